import { NWFilterCalls } from "./calls-nwfilter";
import type { StoragePool, StorageVol } from "./handles";
import { storage } from "./rpc/procedures-storage";

/** virStoragePoolInfo, in bytes; `state` is one of VIR_STORAGE_POOL_*. */
export interface StoragePoolInfo {
  state: number;
  capacity: number;
  allocation: number;
  available: number;
}

/** virStorageVolInfo, in bytes; `type` is one of VIR_STORAGE_VOL_*. */
export interface StorageVolInfo {
  type: number;
  capacity: number;
  allocation: number;
}

/** Pools and volumes. Methods are libvirt's C functions without `vir`; flags are in constants.ts. */
export abstract class StorageCalls extends NWFilterCalls {
  storagePoolLookupByName(name: string): Promise<StoragePool> {
    return this.pick("pool", storage.storagePoolLookupByName, { name });
  }

  storagePoolLookupByUUID(uuid: string): Promise<StoragePool> {
    return this.pick("pool", storage.storagePoolLookupByUUID, { uuid });
  }

  storagePoolLookupByVolume(vol: StorageVol): Promise<StoragePool> {
    return this.pick("pool", storage.storagePoolLookupByVolume, { vol });
  }

  storagePoolLookupByTargetPath(path: string): Promise<StoragePool> {
    return this.pick("pool", storage.storagePoolLookupByTargetPath, { path });
  }

  storagePoolDefineXML(xml: string, flags = 0): Promise<StoragePool> {
    return this.pick("pool", storage.storagePoolDefineXML, { xml, flags });
  }

  /** Starts a transient pool. */
  storagePoolCreateXML(xml: string, flags = 0): Promise<StoragePool> {
    return this.pick("pool", storage.storagePoolCreateXML, { xml, flags });
  }

  storagePoolBuild(pool: StoragePool, flags = 0): Promise<void> {
    return this.run(storage.storagePoolBuild, { pool, flags });
  }

  storagePoolCreate(pool: StoragePool, flags = 0): Promise<void> {
    return this.run(storage.storagePoolCreate, { pool, flags });
  }

  storagePoolDestroy(pool: StoragePool): Promise<void> {
    return this.run(storage.storagePoolDestroy, { pool });
  }

  storagePoolUndefine(pool: StoragePool): Promise<void> {
    return this.run(storage.storagePoolUndefine, { pool });
  }

  /** Removes what holds the volumes, e.g. the folder. */
  storagePoolDelete(pool: StoragePool, flags = 0): Promise<void> {
    return this.run(storage.storagePoolDelete, { pool, flags });
  }

  storagePoolRefresh(pool: StoragePool, flags = 0): Promise<void> {
    return this.run(storage.storagePoolRefresh, { pool, flags });
  }

  storagePoolGetInfo(pool: StoragePool): Promise<StoragePoolInfo> {
    return this.call(storage.storagePoolGetInfo, { pool });
  }

  storagePoolGetXMLDesc(pool: StoragePool, flags = 0): Promise<string> {
    return this.pick("xml", storage.storagePoolGetXMLDesc, { pool, flags });
  }

  storagePoolGetAutostart(pool: StoragePool): Promise<boolean> {
    return this.pick("autostart", storage.storagePoolGetAutostart, { pool });
  }

  storagePoolSetAutostart(pool: StoragePool, autostart: boolean): Promise<void> {
    return this.run(storage.storagePoolSetAutostart, { pool, autostart });
  }

  storagePoolIsActive(pool: StoragePool): Promise<boolean> {
    return this.pick("active", storage.storagePoolIsActive, { pool });
  }

  storagePoolIsPersistent(pool: StoragePool): Promise<boolean> {
    return this.pick("persistent", storage.storagePoolIsPersistent, { pool });
  }

  storagePoolListAllVolumes(pool: StoragePool, flags = 0): Promise<StorageVol[]> {
    return this.pick("vols", storage.storagePoolListAllVolumes, { pool, needResults: true, flags });
  }

  storageVolLookupByName(pool: StoragePool, name: string): Promise<StorageVol> {
    return this.pick("vol", storage.storageVolLookupByName, { pool, name });
  }

  storageVolLookupByKey(key: string): Promise<StorageVol> {
    return this.pick("vol", storage.storageVolLookupByKey, { key });
  }

  storageVolLookupByPath(path: string): Promise<StorageVol> {
    return this.pick("vol", storage.storageVolLookupByPath, { path });
  }

  storageVolCreateXML(pool: StoragePool, xml: string, flags = 0): Promise<StorageVol> {
    return this.pick("vol", storage.storageVolCreateXML, { pool, xml, flags });
  }

  storageVolCreateXMLFrom(pool: StoragePool, xml: string, clonevol: StorageVol, flags = 0): Promise<StorageVol> {
    return this.pick("vol", storage.storageVolCreateXMLFrom, { pool, xml, clonevol, flags });
  }

  storageVolDelete(vol: StorageVol, flags = 0): Promise<void> {
    return this.run(storage.storageVolDelete, { vol, flags });
  }

  /** Bytes, or what VIR_STORAGE_VOL_RESIZE_DELTA makes of it. */
  storageVolResize(vol: StorageVol, capacity: number, flags = 0): Promise<void> {
    return this.run(storage.storageVolResize, { vol, capacity, flags });
  }

  storageVolGetInfo(vol: StorageVol): Promise<StorageVolInfo> {
    return this.call(storage.storageVolGetInfo, { vol });
  }

  storageVolGetInfoFlags(vol: StorageVol, flags: number): Promise<StorageVolInfo> {
    return this.call(storage.storageVolGetInfoFlags, { vol, flags });
  }

  storageVolGetXMLDesc(vol: StorageVol, flags = 0): Promise<string> {
    return this.pick("xml", storage.storageVolGetXMLDesc, { vol, flags });
  }

  storageVolGetPath(vol: StorageVol): Promise<string> {
    return this.pick("path", storage.storageVolGetPath, { vol });
  }

  storageVolWipe(vol: StorageVol, flags = 0): Promise<void> {
    return this.run(storage.storageVolWipe, { vol, flags });
  }

  /** `algorithm` is one of VIR_STORAGE_VOL_WIPE_ALG_*. */
  storageVolWipePattern(vol: StorageVol, algorithm: number, flags = 0): Promise<void> {
    return this.run(storage.storageVolWipePattern, { vol, algorithm, flags });
  }
}
