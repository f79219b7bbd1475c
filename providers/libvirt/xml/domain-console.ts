import { attribute, child, children, element, replaceChild, type Element } from "./document";
import { adopt, ensureChild, setAttribute } from "./edit";

/** The name by which QEMU's guest agent finds its channel. */
const agentChannel = "org.qemu.guest_agent.0";

/** How an operator reaches into a guest. */
export interface ConsoleModel {
  /** The file on the host that takes what the guest prints on its first serial port; undefined for none. */
  consoleLog?: string;
  /** Whether there is a channel for the guest agent. */
  agent: boolean;
  /** Whether there is a screen, over VNC on the host's loopback. */
  graphics: boolean;
}

function channelOf(root: Element): Element | undefined {
  return children(child(root, "devices"), "channel").find(
    (channel) => attribute(child(channel, "target"), "name") === agentChannel,
  );
}

/** How each field is written into `<devices>`. */
export const consoleEditors: { [Field in keyof ConsoleModel]-?: (root: Element, model: ConsoleModel) => void } = {
  consoleLog: (root, { consoleLog }) => {
    const devices = ensureChild(root, "devices");
    const serial = child(devices, "serial") ?? adopt(devices, element("serial", { type: "pty" }));
    // Emptied at every start: what is there is about this boot.
    const log = consoleLog === undefined ? undefined : element("log", { file: consoleLog, append: "off" });
    replaceChild(serial, "log", log);
    // libvirt derives the console from the serial port.
    for (const console of children(devices, "console"))
      if (attribute(child(console, "target"), "type") === "serial") devices.removeChild(console);
  },
  agent: (root, { agent }) => {
    const devices = ensureChild(root, "devices");
    const channel = channelOf(root);
    if (channel && !agent) devices.removeChild(channel);
    if (!channel && agent)
      adopt(devices, element("channel", { type: "unix" }, element("target", { type: "virtio", name: agentChannel })));
  },
  graphics: (root, { graphics }) => {
    const devices = ensureChild(root, "devices");
    for (const name of ["graphics", "video"])
      for (const old of children(devices, name)) if (!graphics) devices.removeChild(old);
    if (graphics && !child(devices, "graphics")) {
      adopt(devices, element("graphics", { type: "vnc", port: -1, autoport: "yes", listen: "127.0.0.1" }));
      adopt(devices, element("video", {}, element("model", { type: "virtio" })));
      // A pointer that follows the viewer's own; it needs a USB controller, which libvirt adds.
      for (const none of children(devices, "controller"))
        if (attribute(none, "type") === "usb" && attribute(none, "model") === "none")
          setAttribute(none, "model", "qemu-xhci");
      adopt(devices, element("input", { type: "tablet", bus: "usb" }));
    }
  },
};

export function parseConsole(root: Element): ConsoleModel {
  const devices = child(root, "devices");
  return {
    consoleLog: attribute(child(devices, "serial", "log"), "file"),
    agent: channelOf(root) !== undefined,
    graphics: child(devices, "graphics") !== undefined,
  };
}

/** Whether the guest has opened its end of the agent's channel; undefined where a document has none or is not live. */
export function agentConnected(root: Element): boolean | undefined {
  const state = attribute(child(channelOf(root), "target"), "state");
  return state === undefined ? undefined : state === "connected";
}

/** The port of a running guest's VNC server. */
export function vncPort(root: Element): number | undefined {
  const port = attribute(child(root, "devices", "graphics"), "port");
  return port === undefined || port === "-1" ? undefined : Number(port);
}
