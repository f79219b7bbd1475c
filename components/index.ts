export { BackupJob, type BackupJobArgs } from "./backup/backup-job";
export { Guest, type GuestArgs } from "./guest/guest";
export type { GuestNicArgs } from "./guest/guest-nics";
export type { GuestSeedArgs } from "./guest/guest-seed";
export type { Reachable } from "../providers/schema/reachable-port";
export { GuestGroup, type GuestGroupArgs } from "./guest/guest-group";
export { KvmHost, type KvmHostArgs } from "./host/kvm-host";
export { BootstrapImage, type BootstrapImageArgs } from "./image/bootstrap-image";
export { CloudImage, type CloudImageArgs } from "./image/cloud-image";
export type { Image } from "./image/image";
export { RestoredImage, type RestoredImageArgs } from "./image/restored-image";
export { RpmImage, type RpmImageArgs } from "./image/rpm-image";
export { HostBridge, type HostBridgeArgs } from "./network/host-bridge";
export { BridgedNetwork, type BridgedNetworkArgs } from "./network/bridged-network";
export type { HostNetwork, HostNetworkArgs } from "./network/host-network";
export { IsolatedNetwork, type IsolatedNetworkArgs } from "./network/isolated-network";
export { MacvtapNetwork, type MacvtapNetworkArgs } from "./network/macvtap-network";
export { NatNetwork, type NatNetworkArgs } from "./network/nat-network";
export type { NetworkShape } from "./network/network-kinds";
export { OpenNetwork, type OpenNetworkArgs } from "./network/open-network";
export { RoutedNetwork, type RoutedNetworkArgs } from "./network/routed-network";
export {
  LoadBalancerPair,
  type LoadBalancerPairArgs,
  type PairBalancer,
  type PairFarmArgs,
  type PairVipArgs,
} from "./tier/load-balancer-pair";
export type { TierMachineArgs, TierMembersArgs } from "./tier/members";
export type { ProxyTarget, TierProxyArgs } from "./tier/proxy";
export type { ServerImageArgs } from "./tier/server-image";
export type { Upstream, UpstreamMember } from "./tier/upstream";
export { AppTier, type AppDataSourceArgs, type AppTierArgs } from "./tier/app-tier";
export { PostgresServer, type PostgresMember, type PostgresServerArgs } from "./tier/postgres-server";
export { PortalTier, type PortalPageArgs, type PortalTierArgs, type PortalUserArgs } from "./tier/portal-tier";
export type { TierServer } from "./tier/serving";
export { WebTier, type WebTierAcmeArgs, type WebTierArgs, type WebTierSiteArgs } from "./tier/web-tier";

export type { MachineSpec } from "../providers/machine/machine";
export { AcmeAccount, type AcmeAccountArgs } from "../providers/resources/acme-account";
export { AcmeClient, type AcmeClientArgs } from "../providers/resources/acme-client";
export { AppServer, type AppServerArgs } from "../providers/resources/app-server";
export { CloudInitSeed, type CloudInitSeedArgs } from "../providers/resources/cloud-init-seed";
export { Command, type CommandArgs } from "../providers/resources/command";
export { DhcpReservation, type DhcpReservationArgs } from "../providers/resources/dhcp-reservation";
export {
  Domain,
  type BandwidthArgs,
  type CapabilitiesArgs,
  type DiskArgs,
  type DomainArgs,
  type MountArgs,
  type NicAddresses,
  type NicArgs,
  type PortVlansArgs,
  type RateArgs,
  type ReadyArgs,
} from "../providers/resources/domain";
export { DiskRestore, type DiskRestoreArgs } from "../providers/resources/disk-restore";
export { File, type FileArgs } from "../providers/resources/file";
export { GuestBackup, type BackedUpGuest, type GuestBackupArgs } from "../providers/resources/guest-backup";
export { Host, type HostArgs, type HostSubnetArgs } from "../providers/resources/host";
export type {
  FarmArgs,
  FarmCheckArgs,
  FarmMemberArgs,
  FarmRuleArgs,
  FarmSettingsArgs,
  FarmTlsArgs,
} from "../providers/resources/haproxy-farm-args";
export {
  HaproxyServer,
  type BalancerMetricsArgs,
  type BalancerStatsArgs,
  type HaproxyServerArgs,
} from "../providers/resources/haproxy-server";
export {
  KeepalivedServer,
  type KeepalivedServerArgs,
  type VirtualRouterArgs,
} from "../providers/resources/keepalived-server";
export {
  LinuxBridge,
  type BondArgs,
  type ConfirmArgs,
  type HostRouteArgs,
  type LinuxBridgeArgs,
  type UplinkArgs,
  type VlanArgs,
  type VlanFilteringArgs,
} from "../providers/resources/linux-bridge";
export {
  Network,
  type DhcpHostArgs,
  type DhcpRangeArgs,
  type DnsForwarderArgs,
  type DnsHostArgs,
  type DnsSrvArgs,
  type DnsTxtArgs,
  type NetworkArgs,
  type PortGroupArgs,
  type StaticRouteArgs,
} from "../providers/resources/network";
export {
  NetworkFilter,
  type AntiSpoofingArgs,
  type FilterReferenceArgs,
  type FilterRuleArgs,
  type NetworkFilterArgs,
  type SourcesArgs,
} from "../providers/resources/network-filter";
export type { MachineArg, OnMachine } from "../providers/resources/on-machine";
export { Package, type PackageArgs } from "../providers/resources/package";
export {
  PortForward,
  type PortForwardArgs,
  type PublishedGuest,
  type PublishedPortArgs,
  type PublishingHost,
} from "../providers/resources/port-forward";
export {
  PostgresInstance,
  type PostgresDatabaseArgs,
  type PostgresInstanceArgs,
  type PostgresPrimaryArgs,
  type PostgresUserArgs,
} from "../providers/resources/postgres-instance";
export type { RpmRepositoryArgs, RpmSourceArgs } from "../providers/resources/rpm-image";
export { RootFilesystem, type IdmapArgs, type RootFilesystemArgs } from "../providers/resources/root-filesystem";
export { Restore, type RestoreArgs } from "../providers/resources/restore";
export { SelfSignedCertificate, type SelfSignedCertificateArgs } from "../providers/resources/self-signed-certificate";
export { Service, type ServiceArgs } from "../providers/resources/service";
export { StoragePool, type StoragePoolArgs } from "../providers/resources/storage-pool";
export { TarBackup, type BackupTargetArgs, type KeepArgs, type TarBackupArgs } from "../providers/resources/tar-backup";
export {
  TomcatServer,
  type TomcatApplicationArgs,
  type TomcatClusterArgs,
  type TomcatClusterMemberArgs,
  type TomcatConnectorArgs,
  type TomcatDataSourceArgs,
  type TomcatServerArgs,
} from "../providers/resources/tomcat-server";
export { Volume, type BackingArgs, type SourceArgs, type VolumeArgs } from "../providers/resources/volume";
export { WebServer, type LogsArgs, type WebServerArgs } from "../providers/resources/web-server";
export type {
  AuthArgs,
  CacheArgs,
  LimitsArgs,
  ProxyArgs,
  ProxyMemberArgs,
  ProxySettingsArgs,
  RedirectArgs,
  SiteArgs,
  SiteTlsArgs,
} from "../providers/resources/web-site-args";
export {
  WildFlyServer,
  type WildFlyApplicationArgs,
  type WildFlyClusterArgs,
  type WildFlyClusterMemberArgs,
  type WildFlyConnectorArgs,
  type WildFlyDataSourceArgs,
  type WildFlyServerArgs,
} from "../providers/resources/wildfly-server";
