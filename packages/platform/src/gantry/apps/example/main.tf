# A stack that needs no cloud and no provider download: terraform_data is built in.

terraform {
  required_version = ">= 1.4"
}

variable "greeting" {
  type        = string
  default     = "Hello"
  description = "How the example says hello."
}

resource "terraform_data" "network" {
  input = {
    name = "demo"
    cidr = "10.20.0.0/16"
  }
}

resource "terraform_data" "service" {
  for_each = toset(["api", "web"])

  input = {
    name    = each.key
    network = terraform_data.network.output.name
  }

  provisioner "local-exec" {
    command = "echo 'service ${each.key} is ready'"
  }
}
