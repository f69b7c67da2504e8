/**
 * The loader reads and writes the cookie as the core does: `node --test consent-widget/loader`.
 *
 * The two functions are cut out of the loader by their region marks, so that the loader need not
 * export anything.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
const [, region] = /\/\/ #region cookie\n([^]*?)\/\/ #endregion/.exec(read("consent.js"));
const { decode, encode } = new Function(`${region}; return { decode, encode };`)();
const { valid, invalid } = JSON.parse(read("../../consent-core/src/cookie-vectors.json"));

for (const { value, policy, until, letters } of valid)
  test(`reads and writes ${value}`, () => {
    assert.deepEqual(decode(value), { policy, until: Date.parse(until) / 60_000, letters });
    assert.equal(encode(decode(value)), value);
  });

for (const value of invalid)
  test(`refuses ${JSON.stringify(value)}`, () => assert.ok(!decode(value)));

test("refuses what is not there", () => assert.ok(!decode(undefined)));
