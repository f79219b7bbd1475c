import assert from "node:assert/strict";
import { parseCapabilities, parseDomainCapabilities } from "../../../providers/libvirt/capabilities";

const host = `<capabilities>
  <host>
    <uuid>e88e1d5e-ff3d-4208-b7af-d5f40c38fbbc</uuid>
    <cpu>
      <arch>x86_64</arch><model>EPYC</model><vendor>AMD</vendor>
      <topology sockets='1' dies='1' cores='2' threads='2'/>
      <feature name='svm'/><feature name='x2apic'/>
    </cpu>
    <iommu support='no'/>
    <topology><cells num='1'><cell id='0'>
      <memory unit='KiB'>13199576</memory>
      <cpus num='2'><cpu id='0' socket_id='0'/><cpu id='1' socket_id='0'/></cpus>
    </cell></cells></topology>
    <secmodel><model>apparmor</model><doi>0</doi></secmodel>
    <secmodel><model>dac</model><doi>0</doi><baselabel type='kvm'>+64055:+64055</baselabel></secmodel>
  </host>
  <guest>
    <os_type>hvm</os_type>
    <arch name='x86_64'>
      <wordsize>64</wordsize>
      <emulator>/usr/bin/qemu-system-x86_64</emulator>
      <machine maxCpus='288'>pc-q35-7.2</machine>
      <machine canonical='pc-q35-7.2' maxCpus='288'>q35</machine>
      <domain type='qemu'/>
      <domain type='kvm'><machine maxCpus='288'>pc-q35-7.2</machine></domain>
    </arch>
  </guest>
</capabilities>`;

const domain = `<domainCapabilities>
  <path>/usr/bin/qemu-system-x86_64</path><domain>kvm</domain><machine>pc-q35-7.2</machine><arch>x86_64</arch>
  <vcpu max='288'/>
  <os supported='yes'>
    <enum name='firmware'><value>efi</value></enum>
    <loader supported='yes'><value>/usr/share/OVMF/OVMF_CODE_4M.fd</value></loader>
  </os>
  <cpu>
    <mode name='host-passthrough' supported='yes'/>
    <mode name='maximum' supported='no'/>
    <mode name='host-model' supported='yes'>
      <model fallback='forbid'>EPYC</model>
      <feature policy='require' name='x2apic'/><feature policy='disable' name='pni'/>
    </mode>
    <mode name='custom' supported='yes'>
      <model usable='yes' vendor='AMD'>EPYC</model><model usable='no' deprecated='yes'>qemu32</model>
    </mode>
  </cpu>
  <devices>
    <disk supported='yes'><enum name='bus'><value>virtio</value><value>sata</value></enum></disk>
    <tpm supported='no'/>
  </devices>
  <features><genid supported='yes'/><sev supported='no'/></features>
</domainCapabilities>`;

describe("capabilities", () => {
  it("of a host are read", () => {
    const { cpu, cells, securityModels, guests, iommu } = parseCapabilities(host);
    assert.deepEqual(cpu, {
      arch: "x86_64",
      model: "EPYC",
      vendor: "AMD",
      features: ["svm", "x2apic"],
      topology: { sockets: 1, dies: 1, cores: 2, threads: 2 },
    });
    assert.equal(iommu, false);
    assert.deepEqual(cells, [{ id: 0, memory: 13199576, cpus: 2 }]);
    assert.deepEqual(securityModels, [
      { model: "apparmor", doi: "0", labels: {} },
      { model: "dac", doi: "0", labels: { kvm: "+64055:+64055" } },
    ]);
    assert.deepEqual(guests, [
      {
        osType: "hvm",
        arch: "x86_64",
        wordSize: 64,
        emulator: "/usr/bin/qemu-system-x86_64",
        machines: [
          { name: "pc-q35-7.2", canonical: undefined, maxCpus: 288 },
          { name: "q35", canonical: "pc-q35-7.2", maxCpus: 288 },
        ],
        domainTypes: ["qemu", "kvm"],
      },
    ]);
  });

  it("of domains are read", () => {
    assert.deepEqual(parseDomainCapabilities(domain), {
      emulator: "/usr/bin/qemu-system-x86_64",
      domainType: "kvm",
      machine: "pc-q35-7.2",
      arch: "x86_64",
      maxVcpus: 288,
      firmware: ["efi"],
      loaders: ["/usr/share/OVMF/OVMF_CODE_4M.fd"],
      cpu: {
        modes: ["host-passthrough", "host-model", "custom"],
        hostModel: { model: "EPYC", features: { x2apic: "require", pni: "disable" } },
        models: [
          { name: "EPYC", usable: true, deprecated: false, vendor: "AMD" },
          { name: "qemu32", usable: false, deprecated: true, vendor: undefined },
        ],
      },
      devices: { disk: { bus: ["virtio", "sata"] } },
      features: { genid: true, sev: false },
    });
  });

  it("of the smallest hypervisor are read", () => {
    const { guests, cpu } = parseCapabilities("<capabilities><host/></capabilities>");
    assert.deepEqual([guests, cpu.features], [[], []]);
  });

  it("are not read from another document", () => {
    assert.throws(() => parseCapabilities("<domain/>"), /<capabilities> is needed, got <domain>/);
    assert.throws(() => parseDomainCapabilities("<a>"), /malformed XML|unclosed/i);
  });
});
