output "message" {
  value       = "${var.greeting} from ${terraform_data.network.output.name}"
  description = "Proof that the plan was applied."
}

output "services" {
  value = sort([for service in terraform_data.service : service.output.name])
}
