import { bytes, formatSize } from "../../schema/size";
import { attribute, child, element, type Element } from "./document";

/** A rate in one direction: bytes a second, and bytes. Sizes as texts ("1MiB"). */
export interface RateModel {
  average: string;
  peak?: string;
  burst?: string;
}

export interface BandwidthModel {
  inbound?: RateModel;
  outbound?: RateModel;
}

export function bandwidthElement(bandwidth: BandwidthModel | undefined): Element | undefined {
  if (!bandwidth?.inbound && !bandwidth?.outbound) return undefined;
  return element(
    "bandwidth",
    {},
    rateElement("inbound", bandwidth.inbound),
    rateElement("outbound", bandwidth.outbound),
  );
}

/** libvirt's rates are KiB a second and KiB (https://libvirt.org/formatnetwork.html#quality-of-service). */
function rateElement(direction: string, rate: RateModel | undefined): Element | undefined {
  const kib = (size: string | undefined) => (size === undefined ? undefined : bytes(size) / 1024);
  return rate && element(direction, { average: kib(rate.average), peak: kib(rate.peak), burst: kib(rate.burst) });
}

/** The limits that the element names; undefined without any. */
export function parseBandwidth(at: Element | undefined): BandwidthModel | undefined {
  const [inbound, outbound] = [parseRate(child(at, "inbound")), parseRate(child(at, "outbound"))];
  if (!inbound && !outbound) return undefined;
  return { ...(inbound && { inbound }), ...(outbound && { outbound }) };
}

function parseRate(at: Element | undefined): RateModel | undefined {
  const [average, peak, burst] = ["average", "peak", "burst"].map((name) => {
    const kib = attribute(at, name);
    return kib === undefined ? undefined : formatSize(Number(kib) * 1024);
  });
  if (average === undefined) return undefined;
  return { average, ...(peak !== undefined && { peak }), ...(burst !== undefined && { burst }) };
}
