import * as pulumi from "@pulumi/pulumi";
import * as kvm from "../components";

const config = new pulumi.Config("dev");
/** Names on the host begin with the stack's, so that `dev` and `dev-alice` can be up side by side, each in its own subnet. */
const stack = pulumi.getStack();

const host = new kvm.KvmHost("local", {
  networks: {
    [stack]: { ipv4: config.get("subnet") ?? "192.168.190.0/24", ipv6: config.get("subnet6") ?? "fd00:190::/64" },
  },
  pools: { [stack]: { path: `/var/lib/libvirt/images/${stack}` } },
});

const image = new kvm.BootstrapImage("debian", {
  host,
  packages: ["nginx-light", "python3"],
  services: { "nginx.service": false },
});

const app = new kvm.Guest(`${stack}-app`, { host, image, memory: "384MiB", network: stack });
const program = new kvm.File("app-program", {
  machine: app,
  path: "/opt/app.py",
  source: "stacks/dev/app.py",
});
const unit = new kvm.File("app-unit", {
  machine: app,
  path: "/etc/systemd/system/app.service",
  source: "stacks/dev/app.service",
});
const appService = new kvm.Service("app", {
  machine: app,
  name: "app",
  restartOn: [program.revision, unit.revision],
});

const web = new kvm.Guest(`${stack}-web`, { host, image, memory: "384MiB", maxMemory: "768MiB", network: stack });
const page = new kvm.File("web-page", {
  machine: web,
  path: "/var/www/html/index.html",
  source: "stacks/dev/index.html",
});
const site = new kvm.File("web-site", {
  machine: web,
  path: "/etc/nginx/sites-available/default",
  overwrite: true,
  content: pulumi.interpolate`server {
    listen 80 default_server;
    listen [::]:80 default_server;
    root /var/www/html;
    location /app/ {
        proxy_pass http://${app.ipv4}:8080/;
    }
}
`,
});
const webService = new kvm.Service(
  "web",
  { machine: web, name: "nginx", reloadOn: [site.revision] },
  { dependsOn: [page, appService] },
);

const pages = new kvm.BackupJob("web-pages", {
  machine: web,
  paths: ["/etc/nginx", "/var/www"],
  target: "/var/backup",
  compress: "gzip", // the image has no zstd
  install: false,
  keep: { days: 14 },
});

/** The page; the application answers below /app/. Known when both servers run. */
export const url = pulumi.all([web.ipv4, webService.id]).apply(([address]) => `http://${address}/`);
export const addresses = { web: web.addresses, app: app.addresses };
/** How to look at a guest's console; leave it with Ctrl-]. */
export const console = `virsh --connect qemu:///system console ${web.name}`;
/** How its backups fare, as of the last refresh. */
export const backups = { health: pages.health, proven: pages.lastVerifiedRestore };
