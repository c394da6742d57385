// Writes the README's table of clients and features out of what a run has shown:
// lines of JSON {"client","version","features"}, a feature named only after its
// test passed. usage: node table.mjs MATRIX README [-check]
import { readFileSync, writeFileSync } from 'node:fs';

// The columns. A name that is not here is an error, so that two clients do not
// call one thing by two names.
const columns = [
  'discovery', 'sign-in', 'PKCE', 'ID token', 'userinfo', 'refresh', 'silent renewal', 'popup', 'logout', 'revocation',
  'introspection', 'client credentials', 'device', 'token exchange', 'JWT bearer', 'private_key_jwt',
  'PAR', 'DPoP', 'form_post', 'registration', 'all algorithms', 'groups', 'TLS', 'vendor profiles',
];
const begin = '<!-- clients:begin -->';
const end = '<!-- clients:end -->';

const [matrix, readme, check] = process.argv.slice(2);
const clients = new Map();
for (const line of readFileSync(matrix, 'utf8').split('\n').filter(Boolean)) {
  const { client, version, features } = JSON.parse(line);
  const name = `${client} ${version.replace(/^v/, '')}`;
  const known = clients.get(name) ?? new Set();
  for (const feature of features) {
    if (!columns.includes(feature)) throw new Error(`${client}: table.mjs has no column ${JSON.stringify(feature)}; there are ${columns.join(', ')}`);
    known.add(feature);
  }
  clients.set(name, known);
}

const used = columns.filter((column) => [...clients.values()].some((features) => features.has(column)));
const row = (cells) => `| ${cells.join(' | ')} |`;
const table = [
  row(['client', ...used]),
  row(['---', ...used.map(() => ':-:')]),
  ...[...clients].sort(([a], [b]) => a.localeCompare(b, 'en')).map(([name, features]) => row([name, ...used.map((column) => (features.has(column) ? '✓' : ''))])),
].join('\n');

const text = readFileSync(readme, 'utf8');
const [from, to] = [text.indexOf(begin), text.indexOf(end)];
if (from < 0 || to < from) throw new Error(`${readme} has no lines ${begin} and ${end}`);
const fresh = `${text.slice(0, from)}${begin}\n${table}\n${text.slice(to)}`;
if (fresh === text) {
  console.log(`${readme}: the table of clients is up to date (${clients.size} clients)`);
} else if (check === '-check') {
  console.error(`${readme}: the table of clients is not what this run has shown; run .ci/clients and commit the README. It would be:\n${table}`);
  process.exit(1);
} else {
  writeFileSync(readme, fresh);
  console.log(`${readme}: the table of clients is written (${clients.size} clients)`);
}
