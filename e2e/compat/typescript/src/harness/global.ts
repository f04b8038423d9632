// One engine and one worker for most scenarios, started before the first of them.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from './engine';
import { Program } from './program';

export default async function setup() {
  const dir = mkdtempSync(join(tmpdir(), 'adze-compat-ts-'));
  process.env.ADZE_COMPAT_DIR = dir;
  process.env.HATCHET_CLIENT_LOG_LEVEL ??= 'OFF';
  const engine = new Engine(join(dir, 'engine'));
  await engine.start();
  Object.assign(process.env, engine.env());
  const worker = await Program.start({ set: 'main' }).catch(async (error) => {
    await engine.stop();
    throw new Error(`${error.message}; see ${dir}`);
  });
  return async () => {
    await worker.kill();
    await engine.stop();
    if (!process.env.ADZE_COMPAT_KEEP) rmSync(dir, { recursive: true, force: true });
  };
}
