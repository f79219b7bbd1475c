import { Connection } from "./connection";

const connections = new Map<string, Connection>();

/**
 * The process's one connection to `uri`, connected. A connection that cannot be made is not remembered: the next call
 * tries again. Rejects with ConnectError.
 */
export async function open(uri: string): Promise<Connection> {
  const known = connections.get(uri);
  const connection = known && !known.closed ? known : Connection.to(uri);
  connections.set(uri, connection);
  try {
    await connection.connect();
    return connection;
  } catch (error) {
    if (connections.get(uri) === connection) connections.delete(uri);
    throw error;
  }
}

/** Closes every connection that `open` made. */
export function closeAll(): void {
  for (const connection of connections.values()) connection.close();
  connections.clear();
}
