import { DomainDeviceCalls } from "./calls-domain-device";
import type { Domain, DomainSnapshot } from "./handles";
import { domains } from "./rpc/procedures-domain";

/** Guests: managed saves and snapshots. Methods are libvirt's C functions without `vir`; flags are in constants.ts. */
export abstract class SnapshotCalls extends DomainDeviceCalls {
  domainManagedSave(dom: Domain, flags = 0): Promise<void> {
    return this.run(domains.domainManagedSave, { dom, flags });
  }

  domainHasManagedSaveImage(dom: Domain, flags = 0): Promise<boolean> {
    return this.pick("result", domains.domainHasManagedSaveImage, { dom, flags });
  }

  domainManagedSaveRemove(dom: Domain, flags = 0): Promise<void> {
    return this.run(domains.domainManagedSaveRemove, { dom, flags });
  }

  domainAbortJob(dom: Domain): Promise<void> {
    return this.run(domains.domainAbortJob, { dom });
  }

  domainListAllSnapshots(dom: Domain, flags = 0): Promise<DomainSnapshot[]> {
    return this.pick("snapshots", domains.domainListAllSnapshots, { dom, needResults: true, flags });
  }

  domainSnapshotCreateXML(dom: Domain, xml: string, flags = 0): Promise<DomainSnapshot> {
    return this.pick("snap", domains.domainSnapshotCreateXML, { dom, xml, flags });
  }

  domainSnapshotLookupByName(dom: Domain, name: string, flags = 0): Promise<DomainSnapshot> {
    return this.pick("snap", domains.domainSnapshotLookupByName, { dom, name, flags });
  }

  domainSnapshotGetXMLDesc(snap: DomainSnapshot, flags = 0): Promise<string> {
    return this.pick("xml", domains.domainSnapshotGetXMLDesc, { snap, flags });
  }

  domainHasCurrentSnapshot(dom: Domain, flags = 0): Promise<boolean> {
    return this.pick("result", domains.domainHasCurrentSnapshot, { dom, flags });
  }

  /** Rejects with NO_DOMAIN_SNAPSHOT when there is none. */
  domainSnapshotCurrent(dom: Domain, flags = 0): Promise<DomainSnapshot> {
    return this.pick("snap", domains.domainSnapshotCurrent, { dom, flags });
  }

  domainRevertToSnapshot(snap: DomainSnapshot, flags = 0): Promise<void> {
    return this.run(domains.domainRevertToSnapshot, { snap, flags });
  }

  domainSnapshotDelete(snap: DomainSnapshot, flags = 0): Promise<void> {
    return this.run(domains.domainSnapshotDelete, { snap, flags });
  }
}
