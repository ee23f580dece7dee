import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { ROOT } from "../cli/root.ts";

interface Step {
  uses?: string;
  with?: Record<string, unknown>;
}

interface Workflow {
  permissions: unknown;
  concurrency: { group: string };
  jobs: Record<
    string,
    {
      permissions?: unknown;
      "timeout-minutes": number;
      strategy?: { matrix: { node: number[] } };
      steps: Step[];
    }
  >;
}

const FOLDER = join(ROOT, ".github", "workflows");

for (const name of readdirSync(FOLDER)) {
  describe(`.github/workflows/${name}`, () => {
    const text = readFileSync(join(FOLDER, name), "utf8");
    const workflow: Workflow = parse(text);
    const jobs = Object.values(workflow.jobs);

    test("may only read, and leaves no token behind", () => {
      assert.deepEqual(workflow.permissions, { contents: "read" });
      assert.ok(!/secrets|github\.token/.test(text));
      for (const { permissions, steps } of jobs) {
        assert.equal(permissions, undefined);
        const [checkout] = steps;
        assert.match(String(checkout?.uses), /^actions\/checkout@/);
        assert.equal(checkout?.with?.["persist-credentials"], false);
      }
    });

    test("pins each action by its commit, and names its version", () => {
      for (const [line] of text.matchAll(/^.*\buses:.*$/gm)) {
        assert.match(
          line,
          /uses: actions\/[\w-]+@[\da-f]{40} # v\d+\.\d+\.\d+$/,
        );
      }
    });

    test("ends some time, and does not run twice at once", () => {
      assert.ok(workflow.concurrency.group);
      for (const job of jobs) assert.ok(job["timeout-minutes"] <= 60);
    });

    test("takes the versions of Node that package.json has", () => {
      const file = readFileSync(join(ROOT, "package.json"), "utf8");
      const { engines } = JSON.parse(file) as { engines: { node: string } };
      const oldest = [...engines.node.matchAll(/[\^=](\d+)\./g)].map(
        ([, major]) => Number(major),
      );
      assert.deepEqual(oldest, [20, 22]);
      for (const { strategy } of jobs) {
        if (strategy) assert.deepEqual(strategy.matrix.node, [...oldest, 24]);
      }
    });
  });
}
