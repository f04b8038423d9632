// An engine in a process of its own, as its users start it.
//
// It can be killed and started again on the same data and the same addresses, which is
// how the scenarios of a crash see what a worker and a client see.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './until';

const READY_MS = 60_000;

export class Engine {
  private grpc = '127.0.0.1:0';
  private http = '127.0.0.1:0';
  private child?: ChildProcess;
  private starts = 0;

  constructor(readonly dir: string) {
    mkdirSync(dir, { recursive: true });
  }

  /** Starts the engine and waits until it serves. */
  async start(): Promise<this> {
    const out = join(this.dir, `engine-${this.starts++}.out`);
    const log = openSync(join(this.dir, 'engine.log'), 'a');
    const args = ['dev', '--data-dir', join(this.dir, 'data'), '--grpc-addr', this.grpc, '--http-addr', this.http];
    this.child = spawn(process.env.ADZE_BIN ?? 'adze', args, { stdio: ['ignore', openSync(out, 'w'), log] });
    const said = await until('the engine to be ready', () => this.ready(out), { timeout: READY_MS });
    this.grpc = field(said, 'gRPC');
    this.http = field(said, 'HTTP').replace('http://', '');
    return this;
  }

  private ready(out: string): string | undefined {
    if (this.child?.exitCode != null) throw new Error(`engine exited with ${this.child.exitCode}; see ${this.dir}/engine.log`);
    const said = readFileSync(out, 'utf8');
    return said.includes('adze: ready') ? said : undefined;
  }

  /** The whole change that a program needs to move to this engine. */
  env(): Record<string, string> {
    return {
      HATCHET_CLIENT_TOKEN: readFileSync(join(this.dir, 'data', 'token'), 'utf8').trim(),
      HATCHET_CLIENT_HOST_PORT: this.grpc,
      HATCHET_CLIENT_API_URL: `http://${this.http}`,
      HATCHET_CLIENT_TLS_STRATEGY: 'none',
    };
  }

  /** Ends the engine as a power cut would. */
  kill(): Promise<void> {
    return this.end('SIGKILL');
  }

  stop(): Promise<void> {
    return this.end('SIGTERM');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }
}

function field(said: string, name: string): string {
  const found = new RegExp(`^${name}\\s+(\\S+)$`, 'm').exec(said);
  if (!found) throw new Error(`the engine did not say its ${name} address: ${said}`);
  return found[1];
}
