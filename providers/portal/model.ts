/** A page of a portal. */
export interface Page {
  /** In their order. */
  portlets: { application: string; portlet: string }[];
  /** Who may see it: any of these roles; none is everybody who is logged in. */
  roles: string[];
  /** Whether also those who are not logged in may see it. */
  public: boolean;
}

/** Pages in the order of their links; the first one is where visitors begin. */
export interface PortalModel {
  pages: { [name: string]: Page };
}

/** Where an application with portlets is. */
export function portletPath(application: string): string {
  return `/portlets/${application}`;
}
