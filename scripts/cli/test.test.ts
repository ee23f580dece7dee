import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { copyRepository, start } from "./testing.ts";

describe("npm test", { concurrency: 2 }, () => {
  test("runs every test file, and fails when one does", async (t) => {
    const { folder, write } = copyRepository(t);
    const scripts = join(folder, "scripts");
    const names = readdirSync(scripts, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith(".test.ts"));
    const file = join(folder, "scripts", "test.ts");
    // Two of ours are enough, and the laboratory's.
    for (const name of names
      .splice(2)
      .filter((one) => !one.startsWith("lab"))) {
      rmSync(join(scripts, name));
    }
    names.push("lab/bench.test.ts");
    for (const name of names) {
      write(
        `scripts/${name}`,
        `import "node:test"; console.log("ran ${name}");`,
      );
    }
    const { code, stdout } = await start(t, file).ended;
    assert.equal(code, 0);
    for (const name of names) {
      const isOurs = !name.startsWith("lab");
      assert.equal(stdout.includes(`ran ${name}`), isOurs, name);
    }

    mkdirSync(join(folder, "other"));
    write("other/one.test.ts", 'throw new Error("no such luck");');
    const other = await start(t, file, [join(folder, "other/one.test.ts")])
      .ended;
    assert.equal(other.code, 1);
    assert.match(other.stdout, /no such luck/);
    assert.doesNotMatch(other.stdout, /ran /);
  });
});
