// A worker in a process of its own, as its users start it.

import { type ChildProcess, fork } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';

const READY_MS = 40_000;

export interface WorkerOptions {
  set: string; // which of src/worker.ts
  name?: string;
  slots?: number;
  durableSlots?: number;
  labels?: Record<string, string | number>;
  env?: Record<string, string>;
}

export class Program {
  private constructor(
    private readonly child: ChildProcess,
    readonly workerId: string,
  ) {}

  static async start(options: WorkerOptions): Promise<Program> {
    const name = options.name ?? options.set;
    const log = openSync(join(process.env.ADZE_COMPAT_DIR!, `worker-${name}.log`), 'a');
    const child = fork('src/worker.ts', [JSON.stringify(options)], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...process.env, ...options.env, HATCHET_CLIENT_LOG_LEVEL: 'INFO' },
    });
    return new Program(child, await ready(child, name));
  }

  get pid(): number {
    return this.child.pid!;
  }

  kill(): Promise<void> {
    return this.end('SIGKILL');
  }

  stop(): Promise<void> {
    return this.end('SIGTERM');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await gone;
  }
}

function ready(child: ChildProcess, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`worker ${name} was not ready in ${READY_MS} ms`)), READY_MS);
    child.once('message', (id) => (clearTimeout(late), resolve(id as string)));
    child.once('exit', (code) => (clearTimeout(late), reject(new Error(`worker ${name} ended with ${code}`))));
  });
}
