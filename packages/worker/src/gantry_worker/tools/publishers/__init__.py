"""The public keys with which the publishers of Terraform and OpenTofu sign their releases.

terraform.asc  C874 011F 0AB4 0511 0D02 1055 3436 5D94 72D7 468F  (expires 2030-03-01)
opentofu.asc   E3E6 E43D 84CB 852E ADB0 051D 0C0A F313 E5FD 9F80

Compare them with what the publishers say on their own sites before you change one.
"""

from __future__ import annotations

from pathlib import Path

TERRAFORM = Path(__file__).with_name("terraform.asc")
OPENTOFU = Path(__file__).with_name("opentofu.asc")
