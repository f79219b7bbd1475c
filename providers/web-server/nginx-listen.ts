import { block, type Lines } from "./lines";
import { placesOf, type WebServerModel } from "./model";

export function listen({ ipv6 }: WebServerModel, port: number, words: string): Lines {
  const end = words === "" ? ";" : ` ${words};`;
  return [`listen ${port}${end}`, ...(ipv6 ? [`listen [::]:${port}${end}`] : [])];
}

/** Answers with the configuration's generation; with 503 while the server is to be left alone. */
export function health({ inputs, generation }: WebServerModel): Lines {
  return block(`location = ${inputs.healthPath}`, [
    "access_log off;",
    "default_type text/plain;",
    'add_header Cache-Control "no-store";',
    `if (-f ${placesOf(inputs.name).drain}) {`,
    '  return 503 "draining\\n";',
    "}",
    `return 200 "ok ${generation}\\n";`,
  ]);
}
