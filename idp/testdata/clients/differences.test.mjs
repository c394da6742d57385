// Ours and the certified oidc-provider, asked the same. Each difference must be
// explained in explanations.mjs, and no explanation may be left over.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { certified } from './certified.mjs';
import { emulator } from './emulator.mjs';
import explanations from './explanations.mjs';
import probes from './probes.mjs';
import { Target } from './target.mjs';

const report = new URL('DIFFERENCES.md', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('node_modules/oidc-provider/package.json', import.meta.url), 'utf8'));
const ours = await Target.discover((await emulator({ seed: 'compare.yaml', args: ['--dynamic-registration'] })).issuer);
const theirs = await Target.discover((await certified()).issuer);

const observe = (target, run) => Promise.resolve(run(target)).catch((error) => `failed: ${error.message.split('\n')[0]}`);
const cell = (text) => text.replaceAll('|', '\\|');
const row = (cells) => `| ${cells.map(cell).join(' | ')} |`;

test('differences from the certified provider', async (t) => {
  const alike = [];
  const different = [];
  const unexplained = [];
  for (const { name, run } of probes) {
    const [mine, other] = [await observe(ours, run), await observe(theirs, run)];
    if (mine === other) alike.push({ name, mine });
    else different.push({ name, mine, other, why: explanations[name] });
    if ([mine, other].some((one) => one.startsWith('failed:'))) unexplained.push(`${name}: a probe that fails shows nothing\n    ours:   ${mine}\n    theirs: ${other}`);
    else if (mine !== other && !explanations[name]) unexplained.push(`${name}\n    ours:   ${mine}\n    theirs: ${other}`);
  }
  const leftOver = Object.keys(explanations).filter((name) => !different.some((one) => one.name === name));
  t.diagnostic(`${probes.length} probes: ${alike.length} alike, ${different.length} different`);
  assert.equal(unexplained.length, 0, `no explanation in explanations.mjs for:\n${unexplained.join('\n')}`);
  assert.deepEqual(leftOver, [], 'explanations of what does not differ');
  const text = `# Ours and oidc-provider ${version}

Written by \`.ci/clients\`: the script probes.mjs, run against the built binary and against the certified npm package
oidc-provider with the same people, clients and grants. ${probes.length} probes, ${alike.length} answered alike, ${different.length} differently.

## Different

${row(['probe', 'ours', 'theirs', 'why'])}
${row(['---', '---', '---', '---'])}
${different.map(({ name, mine, other, why }) => row([name, mine, other, why])).join('\n')}

## Alike

${row(['probe', 'both'])}
${row(['---', '---'])}
${alike.map(({ name, mine }) => row([name, mine])).join('\n')}
`;
  if (process.env.MOCKDUKTOR_WRITE) writeFileSync(report, text);
  assert.equal(readFileSync(report, 'utf8'), text, 'DIFFERENCES.md is out of date: run .ci/clients and commit it');
});
