import { REMOTE, procedures, read, write } from "./procedure";
import { LIST_MAX, nwfilter, text, uuid } from "./wire-types";
import { array, bool, flags, struct, uint } from "./xdr";

const binding = struct({ portdev: text, filtername: text });

/** Network filters and where they are in force: numbers and shapes of libvirt's remote_protocol.x. */
export const nwfilters = procedures(REMOTE, {
  nwfilterLookupByName: read(175, { name: text }, { nwfilter }),
  nwfilterLookupByUUID: read(176, { uuid }, { nwfilter }),
  nwfilterGetXMLDesc: read(177, { nwfilter, flags }, { xml: text }),
  nwfilterDefineXML: write(180, { xml: text }, { nwfilter }),
  nwfilterUndefine: write(181, { nwfilter }),
  connectListAllNWFilters: read(286, { needResults: bool, flags }, { filters: array(nwfilter, LIST_MAX), count: uint }),
  connectListAllNWFilterBindings: read(
    401,
    { needResults: bool, flags },
    { bindings: array(binding, LIST_MAX), count: uint },
  ),
});
