/** A guest as the wire names it. libvirt finds it by `uuid`; `name` and `id` are what they were when it was looked up. */
export interface Domain {
  name: string;
  /** Canonical text: lower case, with dashes. */
  uuid: string;
  /** The running guest's number; -1 when it is shut off. */
  id: number;
}

export interface Network {
  name: string;
  uuid: string;
}

/** A network filter: libvirt's rules for what an interface may send and receive. */
export interface NWFilter {
  name: string;
  uuid: string;
}

export interface StoragePool {
  name: string;
  uuid: string;
}

export interface StorageVol {
  /** The pool's name. */
  pool: string;
  name: string;
  /** Unique among all volumes; for files the path. */
  key: string;
}

export interface DomainSnapshot {
  name: string;
  dom: Domain;
}
