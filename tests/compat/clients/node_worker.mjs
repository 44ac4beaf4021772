// Runs in the environment of a client package: the text of this file is Node's script, so that `import` finds what is
// installed in the working directory. A line of standard input is one snippet, the body of an async function that gets
// `load` (import by name), `given` and `kept` (the same object for all snippets); one line to the descriptor that is the
// only argument answers it.
import { createInterface } from "node:readline";
import { writeSync } from "node:fs";
import net from "node:net";

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...given) {
  const wanted = Array.isArray(given[0]) ? given[0][0] : given[0];
  const host = wanted?.host ?? "localhost";
  if (!wanted?.path && !/^(localhost|127\.|::1$)/.test(host)) throw new Error(`a test reaches for ${host}`);
  return connect.apply(this, given);
};

const AsyncFunction = (async () => {}).constructor;
const kept = {};
const load = (name) => import(name);
const answers = Number(process.argv[1]);
const say = (answer) => {
  let text = Buffer.from(JSON.stringify(answer) + "\n");
  while (text.length) text = text.subarray(writeSync(answers, text));
};
for (const one of ["unhandledRejection", "uncaughtException"]) process.on(one, (error) => console.error(one, error));
say({ value: process.version });
for await (const line of createInterface({ input: process.stdin })) {
  const { code, given } = JSON.parse(line);
  try {
    say({ value: (await new AsyncFunction("load", "given", "kept", code)(load, given, kept)) ?? null });
  } catch (error) {
    say({ error: error?.constructor?.name ?? typeof error, says: String(error?.message ?? error), trace: String(error?.stack) });
  }
}
process.exit(0);
