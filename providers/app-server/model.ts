/** A program that serves at a port. */
export interface AppServerModel {
  name: string;
  command: string[];
  environment: { [name: string]: string };
  port: number;
  user?: string;
  drain: string;
}

/** Where a program's files are on its machine. */
export interface AppLayout {
  unit: string;
  unitFile: string;
  home: string;
  content: string;
  current: string;
  environment: string;
}

export function appLayout(name: string): AppLayout {
  const unit = `app-${name}`;
  const home = `/srv/pulumi-kvm/${unit}`;
  return {
    unit,
    unitFile: `/etc/systemd/system/${unit}.service`,
    home,
    content: `${home}/content`,
    current: `${home}/content/current`,
    environment: `${home}/environment`,
  };
}
