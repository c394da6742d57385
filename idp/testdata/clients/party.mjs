// A client of the matrix: each feature is a test, and counts once it passed.
import { appendFileSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';

// party names a client of the matrix and the folder of its package.
export function party(client, folder = client) {
  const manifest = new URL(`node_modules/${folder}/package.json`, import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
  const features = [];
  after(() => {
    const matrix = process.env.MOCKDUKTOR_MATRIX;
    if (matrix) appendFileSync(matrix, JSON.stringify({ client, version, features }) + '\n');
  });
  return (feature, run) => void test(feature, async (t) => {
    await run(t);
    features.push(feature);
  });
}
