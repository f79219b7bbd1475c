import type { GenerationFiles } from "../content/generations";
import { apacheFiles } from "./apache";
import { nginxFiles } from "./nginx";
import type { WebServerModel } from "./model";

/** What differs between the web servers. */
export interface ServerKind {
  /** As its service manager calls it. */
  service: string;
  /** The file that it reads first, which becomes a link to ours. */
  main: string;
  /** The name of ours. */
  own: string;
  program: string;
  /** The package that brings it, as Debian calls it. */
  package: string;
  /** Prints the program's version. */
  version: string[];
  /** Its own check of a configuration that begins with this file. */
  check(file: string): string[];
  /** The file with the number of its first process. */
  pid: string;
  /** Lets it finish what it answers, and end. */
  quit: string[];
  /** Where its configuration of sites is, by whoever. */
  sites: string[];
  /** Those that its package brings, which do not count. */
  brought: string[];
  files(model: WebServerModel): GenerationFiles;
}

export const serverKinds: { nginx: ServerKind; apache: ServerKind } = {
  nginx: {
    service: "nginx",
    main: "/etc/nginx/nginx.conf",
    own: "nginx.conf",
    program: "nginx",
    package: "nginx-light",
    version: ["nginx", "-v"],
    check: (file) => ["nginx", "-t", "-q", "-c", file],
    pid: "/run/nginx.pid",
    quit: ["nginx", "-s", "quit"],
    sites: ["/etc/nginx/sites-enabled", "/etc/nginx/conf.d"],
    brought: ["default", "default.conf"],
    files: nginxFiles,
  },
  apache: {
    service: "apache2",
    main: "/etc/apache2/apache2.conf",
    own: "apache2.conf",
    program: "apache2",
    package: "apache2",
    version: ["apache2", "-v"],
    check: (file) => ["apache2ctl", "-t", "-f", file],
    pid: "/run/apache2/apache2.pid",
    quit: ["apache2ctl", "graceful-stop"],
    sites: ["/etc/apache2/sites-enabled"],
    brought: ["000-default.conf", "default-ssl.conf"],
    files: apacheFiles,
  },
};
