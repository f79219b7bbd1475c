terraform {
  required_providers {
    libvirt = {
      source  = "dmacvicar/libvirt"
      version = "0.8.3"
    }
  }
}

variable "guests" { type = number }
variable "memory" { type = number }
variable "prefix" { type = string }
variable "uri" { type = string }

provider "libvirt" {
  uri = var.uri
}

resource "libvirt_domain" "guest" {
  count   = var.guests
  name    = "${var.prefix}${count.index}"
  type    = "qemu"
  machine = "pc"
  vcpu    = 1
  memory  = count.index == 0 ? var.memory : 64
}
