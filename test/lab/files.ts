/** Path below / -> content, or content with permission bits. */
export interface Files {
  [path: string]: string | { content: string; mode: number };
}
