export { Guest, type GuestArgs } from "./guest/guest";
export { GuestGroup, type GuestGroupArgs } from "./guest/guest-group";
export { KvmHost, type KvmHostArgs } from "./host/kvm-host";
export { BootstrapImage, type BootstrapImageArgs } from "./image/bootstrap-image";
export { CloudImage, type CloudImageArgs } from "./image/cloud-image";
export type { Image } from "./image/image";
export { NatNetwork, type NatNetworkArgs } from "./network/nat-network";

export type { MachineSpec } from "../providers/machine/machine";
export { Command, type CommandArgs } from "../providers/resources/command";
export { Domain, type DomainArgs } from "../providers/resources/domain";
export { File, type FileArgs } from "../providers/resources/file";
export { Host, type HostArgs } from "../providers/resources/host";
export { Network, type NetworkArgs } from "../providers/resources/network";
export { Service, type ServiceArgs } from "../providers/resources/service";
export { StoragePool, type StoragePoolArgs } from "../providers/resources/storage-pool";
export { Volume, type VolumeArgs } from "../providers/resources/volume";
