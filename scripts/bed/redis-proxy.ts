import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A command that waits on its way to Redis, with all that is sent after it. */
export interface HeldCommand {
  /** Resolves once it is there. */
  reached: Promise<void>;
  /** Lets it go on. */
  release(): void;
  /** Cuts its connection, so that it never arrives. */
  cut(): void;
}

/** Stands between a snippet and Redis. */
interface RedisProxy {
  url: string;
  /** Holds the next command that has this name, such as `SET`. */
  hold(name: string): HeldCommand;
  close(): void;
}

/**
 * Starts a proxy for a Redis server, on a free port of 127.0.0.1. It can hold a command, which is
 * how a test gets in between two that belong together.
 * @param port the server's port
 */
export async function startRedisProxy(port: number): Promise<RedisProxy> {
  let waiting: { name: string; reach(command: Held): void } | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const redis = connect(port, "127.0.0.1");
    for (const [one, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      sockets.add(one);
      one.on("error", () => {});
      one.once("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    redis.on("data", (data) => client.write(data));
    let rest = Buffer.alloc(0);
    let held: Buffer[] | undefined;
    client.on("data", (data) => {
      rest = Buffer.concat([rest, data]);
      for (let size = commandSize(rest); size > 0; size = commandSize(rest)) {
        const command = rest.subarray(0, size);
        rest = rest.subarray(size);
        if (!held && waiting && nameOf(command) === waiting.name) {
          held = [];
          waiting.reach({
            release() {
              for (const one of held ?? []) redis.write(one);
              held = undefined;
            },
            cut: () => client.destroy(),
          });
          waiting = undefined;
        }
        if (held) held.push(command);
        else redis.write(command);
      }
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port: own } = server.address() as { port: number };
  return {
    url: `redis://127.0.0.1:${own}`,
    hold(name) {
      let command: Held | undefined;
      const reached = new Promise<void>((resolve) => {
        waiting = {
          name,
          reach(held) {
            command = held;
            resolve();
          },
        };
      });
      return {
        reached,
        release() {
          // Also when it never came: then nothing is held from now on.
          waiting = undefined;
          command?.release();
        },
        cut: () => command?.cut(),
      };
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

type Held = Pick<HeldCommand, "release" | "cut">;

/**
 * Measures the command at the beginning of what a client has sent.
 * @returns its size in bytes, or 0 when it is not there as a whole
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/#sending-commands-to-a-redis-server
 */
function commandSize(sent: Buffer): number {
  let at = 0;
  const number = (): number => {
    const end = sent.indexOf("\r\n", at);
    if (end < 0) return Number.NaN;
    const value = Number(sent.toString("latin1", at + 1, end));
    at = end + 2;
    return value;
  };
  for (let words = number(); words > 0; words -= 1) {
    const bytes = number();
    at += bytes + 2;
  }
  return at <= sent.length ? at : 0;
}

/** Reads a command's name, which is its first word. */
const nameOf = (command: Buffer): string =>
  command.toString("latin1", 0, 64).split("\r\n")[2]?.toUpperCase() ?? "";
