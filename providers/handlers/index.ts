import type { DiffTable, Handler } from "../dynamic/contract";
import { dispatch } from "../dynamic/dispatch";
import { AcmeAccountHandler } from "./acme-account";
import { AcmeClientHandler } from "./acme-client";
import { AppServerHandler } from "./app-server";
import { BootstrapImageHandler } from "./bootstrap-image";
import { CloudImageHandler } from "./cloud-image";
import { CloudInitSeedHandler } from "./cloud-init-seed";
import { CommandHandler } from "./command";
import { DhcpReservationHandler } from "./dhcp-reservation";
import { DiskRestoreHandler } from "./disk-restore";
import { DomainHandler } from "./domain";
import { FileHandler } from "./file";
import { GuestBackupHandler } from "./guest-backup";
import { HaproxyServerHandler } from "./haproxy-server";
import { HostHandler } from "./host";
import { KeepalivedServerHandler } from "./keepalived-server";
import { LinuxBridgeHandler } from "./linux-bridge";
import { NetworkHandler } from "./network";
import { NetworkFilterHandler } from "./network-filter";
import { PackageHandler } from "./package";
import { PortForwardHandler } from "./port-forward";
import { PostgresInstanceHandler } from "./postgres-instance";
import { RootFilesystemHandler } from "./root-filesystem";
import { RestoreHandler } from "./restore";
import { RpmImageHandler } from "./rpm-image";
import { SelfSignedCertificateHandler } from "./self-signed-certificate";
import { ServiceHandler } from "./service";
import { StoragePoolHandler } from "./storage-pool";
import { TarBackupHandler } from "./tar-backup";
import { TomcatServerHandler } from "./tomcat-server";
import { VolumeHandler } from "./volume";
import { WebServerHandler } from "./web-server";
import { WildFlyServerHandler } from "./wildfly-server";

const handlers: { [kind: string]: Handler<any, any> } = {
  AcmeAccount: new AcmeAccountHandler(),
  AcmeClient: new AcmeClientHandler(),
  AppServer: new AppServerHandler(),
  BootstrapImage: new BootstrapImageHandler(),
  CloudImage: new CloudImageHandler(),
  CloudInitSeed: new CloudInitSeedHandler(),
  Command: new CommandHandler(),
  DhcpReservation: new DhcpReservationHandler(),
  DiskRestore: new DiskRestoreHandler(),
  Domain: new DomainHandler(),
  File: new FileHandler(),
  GuestBackup: new GuestBackupHandler(),
  HaproxyServer: new HaproxyServerHandler(),
  Host: new HostHandler(),
  KeepalivedServer: new KeepalivedServerHandler(),
  LinuxBridge: new LinuxBridgeHandler(),
  Network: new NetworkHandler(),
  NetworkFilter: new NetworkFilterHandler(),
  Package: new PackageHandler(),
  PortForward: new PortForwardHandler(),
  PostgresInstance: new PostgresInstanceHandler(),
  RootFilesystem: new RootFilesystemHandler(),
  Restore: new RestoreHandler(),
  RpmImage: new RpmImageHandler(),
  SelfSignedCertificate: new SelfSignedCertificateHandler(),
  Service: new ServiceHandler(),
  StoragePool: new StoragePoolHandler(),
  TarBackup: new TarBackupHandler(),
  TomcatServer: new TomcatServerHandler(),
  Volume: new VolumeHandler(),
  WebServer: new WebServerHandler(),
  WildFlyServer: new WildFlyServerHandler(),
};

/** What a resource's shell asks for, in Pulumi's dynamic provider process. */
export function provider(kind: string) {
  const handler = handlers[kind];
  if (!handler)
    throw new Error(
      `no handler for ${kind}. The state was written by a newer pulumi-kvm. Fix: install that version or a later one`,
    );
  return dispatch(handler);
}

/** The diff table of every kind, for those who show a plan. */
export function diffTables(): { [kind: string]: DiffTable<object> } {
  return Object.fromEntries(Object.entries(handlers).map(([kind, handler]) => [kind, handler.fields]));
}

/** The schema of every kind, for those who describe them. */
export function schemas(): { [kind: string]: Handler<object>["schema"] } {
  return Object.fromEntries(Object.entries(handlers).map(([kind, handler]) => [kind, handler.schema]));
}
