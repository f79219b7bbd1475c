import { LinuxBridgeHandler } from "../../../providers/handlers/linux-bridge";
import { Played } from "./played";

/** A controller of its own process, which a test can kill. */
void new Played(new LinuxBridgeHandler()).up(JSON.parse(process.env["BRIDGE_ARGS"]!) as object);
