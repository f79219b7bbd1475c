import type { NWFilter } from "./handles";
import { NetworkCalls } from "./calls-network";
import { nwfilters } from "./rpc/procedures-nwfilter";

/** Where a filter is in force: one running guest's interface. */
export interface NWFilterBinding {
  /** The host's end of the interface: "vnet3". */
  portdev: string;
  filtername: string;
}

/** Network filters. Methods are libvirt's C functions without `vir`. */
export abstract class NWFilterCalls extends NetworkCalls {
  connectListAllNWFilters(flags = 0): Promise<NWFilter[]> {
    return this.pick("filters", nwfilters.connectListAllNWFilters, { needResults: true, flags });
  }

  /** Since libvirt 4.5. */
  connectListAllNWFilterBindings(flags = 0): Promise<NWFilterBinding[]> {
    return this.pick("bindings", nwfilters.connectListAllNWFilterBindings, { needResults: true, flags });
  }

  nwfilterLookupByName(name: string): Promise<NWFilter> {
    return this.pick("nwfilter", nwfilters.nwfilterLookupByName, { name });
  }

  nwfilterLookupByUUID(uuid: string): Promise<NWFilter> {
    return this.pick("nwfilter", nwfilters.nwfilterLookupByUUID, { uuid });
  }

  nwfilterGetXMLDesc(nwfilter: NWFilter, flags = 0): Promise<string> {
    return this.pick("xml", nwfilters.nwfilterGetXMLDesc, { nwfilter, flags });
  }

  /** Makes a filter, or changes the one of the same UUID and name, also on the interfaces where it is in force. */
  nwfilterDefineXML(xml: string): Promise<NWFilter> {
    return this.pick("nwfilter", nwfilters.nwfilterDefineXML, { xml });
  }

  /** Refused with OPERATION_INVALID while it is in force somewhere. */
  nwfilterUndefine(nwfilter: NWFilter): Promise<void> {
    return this.run(nwfilters.nwfilterUndefine, { nwfilter });
  }
}
