// SPDX-License-Identifier: ISC
// A lab: hosts in network namespaces of their own, on one switch, with cables
// that can be pulled and spoiled, and a real hub on each.  For root, on Linux.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const WAIT_MS = 60000;
export const PORT = 9700;
const LOOK_MS = 50, LOG_TAIL = 6000;
const here = path.dirname(fileURLToPath(import.meta.url));
export const build = path.resolve(process.env.ECORELAY_BUILD ??
    `${here}/../..`);
const execute = promisify(execFile);

// What a test must not inherit from whoever runs it.
const FOREIGN = /^((RELAY|ECORELAY|CLAUDE)_|(https?|no|all)_proxy$)/i;
const clean = Object.fromEntries(Object.entries(process.env).filter(([key]) =>
    !FOREIGN.test(key)));

// Waits until look() gives something true and returns that; else detail() is
// what there is instead.
export async function until(what, look, ms = WAIT_MS, detail = () => '')
{
	for (const end = Date.now() + ms;;) {
		const value = await look();

		if (value)
			return value;
		if (Date.now() >= end)
			assert.fail(`${what}: not within ${ms} ms ` +
			    detail());
		await sleep(LOOK_MS);
	}
}

async function ip(...args)
{
	return (await execute('ip', args)).stdout;
}

function listens(file)
{
	return new Promise(resolve => {
		const socket = net.connect(file);

		socket.once('connect', () => resolve(true));
		socket.once('error', () => resolve(false));
		socket.once('connect', () => socket.destroy());
	});
}

// One host: eth0 in its namespace is its end of the cable, the other end is
// a port of the switch.  It may have no such cable, but others.
export class Host {
	constructor(lab, id, number)
	{
		this.lab = lab;
		this.id = id;
		this.ns = `${lab.prefix}-${id}`;
		this.address = `10.99.0.${number}`;
		this.dir = path.join(lab.dir, id);
		this.data = path.join(this.dir, 'd');
		this.socket = path.join(this.data, 'hub.sock');
		this.log = path.join(this.dir, 'log');
		this.conf = path.join(this.dir, 'hubd.conf');
		this.ends = [[this.ns, 'eth0'], [lab.ns, `to-${id}`]];
		this.up = false;
		fs.mkdirSync(this.dir);
	}

	async create()
	{
		await ip('netns', 'add', this.ns);
		await ip('-n', this.ns, 'link', 'set', 'lo', 'up');
		// whatever the kernel makes of this setting in a new namespace
		await this.execute('sh', '-c',
		    'echo 0 >/proc/sys/net/ipv4/ip_forward');
	}

	async wire()
	{
		const [[, near], [sw, far]] = this.ends;

		await ip('link', 'add', near, 'netns', this.ns, 'type', 'veth',
		    'peer', 'name', far, 'netns', sw);
		await ip('-n', this.ns, 'address', 'add', `${this.address}/24`,
		    'dev', near);
		await ip('-n', this.ns, 'link', 'set', near, 'up');
		await ip('-n', sw, 'link', 'set', far, 'master', 'br0', 'up');
	}

	// End 0 is the host's, whose interface is down then and has no routes;
	// end 1 the switch's, which the host sees as no carrier.
	async pull(end)
	{
		const [ns, dev] = this.ends[end];

		await ip('-n', ns, 'link', 'set', dev, 'down');
	}

	async plug()
	{
		for (const [ns, dev] of this.ends)
			await ip('-n', ns, 'link', 'set', dev, 'up');
	}

	// What tc(8) calls a queueing discipline, both ways.
	async shape(...qdisc)
	{
		for (const [ns, dev] of this.ends)
			await execute('tc', ['-n', ns, 'qdisc', 'replace',
			    'dev', dev, 'root', ...qdisc]);
	}

	async unshape()
	{
		for (const [ns, dev] of this.ends)
			await execute('tc', ['-n', ns, 'qdisc', 'del', 'dev',
			    dev, 'root']).catch(() => {});	// it has none
	}

	// Bytes that have arrived from this host at the switch.
	async carried()
	{
		const [ns, dev] = this.ends[1];
		const [link] = JSON.parse(await ip('-n', ns, '-j', '-s', 'link',
		    'show', 'dev', dev));

		return link.stats64.rx.bytes;
	}

	async pids(program)
	{
		const pids = (await ip('netns', 'pids', this.ns)).split('\n')
		    .filter(pid => pid !== '');

		return !program ? pids : pids.filter(pid => {
			try {
				return path.basename(fs.readlinkSync(
				    `/proc/${pid}/exe`)) === program;
			} catch {
				return false;	// it has just ended
			}
		});
	}

	// Another cable, eth<n> at both ends; their addresses are 10.98.n.1
	// and 10.98.n.2.
	async cable(other, n)
	{
		await ip('link', 'add', `eth${n}`, 'netns', this.ns, 'type',
		    'veth', 'peer', 'name', `eth${n}`, 'netns', other.ns);
		for (const [i, { ns }] of [this, other].entries()) {
			await ip('-n', ns, 'address', 'add',
			    `10.98.${n}.${i + 1}/24`, 'dev', `eth${n}`);
			await ip('-n', ns, 'link', 'set', `eth${n}`, 'up');
		}
	}

	// Whether there is a way to that address at all.
	routes(address)
	{
		return ip('-n', this.ns, 'route', 'get', address).then(
		    () => true, () => false);
	}

	// Kills all processes here, or those of one program, directly after
	// before().
	async kill(program, before = () => {})
	{
		const pids = await this.pids(program);

		await before();
		if (!program)
			this.up = false;
		for (const pid of pids) {
			try {
				process.kill(Number(pid), 'SIGKILL');
			} catch {
				// it has just ended
			}
		}
		if (!program)
			await until(`${this.id} is dead`, async () =>
			    (await this.pids()).length === 0);
	}

	spawn(command, options)
	{
		return spawn('ip', ['netns', 'exec', this.ns, ...command],
		    options);
	}

	configure(statements)
	{
		const lines = [`hub id "${this.id}"`,
		    `lan secret file "${this.lab.secretFile}"`, ...statements];

		fs.writeFileSync(this.conf, lines.map(line => `${line}\n`)
		    .join(''), { mode: 0o600 });
	}

	execute(...command)
	{
		return execute('ip', ['netns', 'exec', this.ns, ...command],
		    { env: this.env() });
	}

	env()
	{
		return { ...clean, ECORELAY_DATA: this.data, HOME: this.dir,
		    ECORELAY_WS_PORT: '0' };
	}

	// The daemon of this host, which serves when serves() says so.
	async run(program, serves)
	{
		const log = fs.openSync(this.log, 'a', 0o600);
		const daemon = this.spawn([`${build}/${program}/${program}`,
		    '-d', '-f', this.conf],
		    { env: this.env(), stdio: ['ignore', log, log] });

		fs.closeSync(log);
		this.daemon = daemon;
		this.up = true;
		this.ended = new Promise(resolve => daemon.once('exit',
		    (code, signal) => {
			if (this.up)
				this.lab.complain(`${this.id}: ${program} ` +
				    `ended: ${signal ?? code}`);
			this.up = false;
			resolve(signal ?? code);
		}));
		await until(`${this.id} serves`, () => {
			assert.ok(this.up,
			    `${this.id}: ${program} does not start`);
			return serves();
		});
	}

	start()
	{
		return this.run('hubd', () => listens(this.socket));
	}

	// How it ended, and that nothing of it is left.
	async stop()
	{
		this.up = false;
		this.daemon.kill('SIGTERM');
		const late = sleep(WAIT_MS, 'too late', { ref: false });
		const status = await Promise.race([this.ended, late]);

		assert.equal(status, 0, `how the daemon of ${this.id} ended`);
		await until(`${this.id} has no process left`, async () =>
		    (await this.pids()).length === 0);
	}

	logged()
	{
		return fs.existsSync(this.log) ?
		    fs.readFileSync(this.log, 'utf8') : '';
	}
}

export class Lab {
	static count = 0;

	constructor(...ids)
	{
		this.prefix = `er${process.pid}-${++Lab.count}`;
		this.ns = `${this.prefix}-switch`;
		// Short, so that a socket's path in it fits.
		this.dir = fs.mkdtempSync('/tmp/ernet.');
		this.hosts = ids.map((id, i) => new Host(this, id, i + 1));
		this.complaints = [];
		this.secretFile = path.join(this.dir, 'secret');
		this.janitor = spawn(`${here}/janitor`, [this.dir,
		    ...this.hosts.map(h => h.ns), this.ns],
		    { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
	}

	// The switch and the cables to it, of all hosts if none are named.
	async wire(secret, hosts = this.hosts)
	{
		fs.writeFileSync(this.secretFile, `${secret}\n`,
		    { mode: 0o600 });
		await ip('netns', 'add', this.ns);
		await ip('-n', this.ns, 'link', 'add', 'br0', 'type', 'bridge',
		    'forward_delay', '0');
		await ip('-n', this.ns, 'link', 'set', 'br0', 'up');
		for (const host of this.hosts)
			await host.create();
		for (const host of hosts)
			await host.wire();
	}

	// The first of these queueing disciplines that the kernel has.
	async firstOf(...qdiscs)
	{
		const [host] = this.hosts;

		for (const qdisc of qdiscs) {
			try {
				await host.shape(...qdisc);
				return qdisc[0];
			} catch {
				// try the next one
			} finally {
				await host.unshape();
			}
		}
		return null;
	}

	// What is wrong; the test goes on and fails later.
	complain(text)
	{
		this.complaints.push(text);
	}

	complained()
	{
		const { length } = this.complaints;

		return `${length} complaints` + this.complaints.slice(0, 20)
		    .map(text => `\n${text}`).join('');
	}

	check()
	{
		assert.ok(this.complaints.length === 0, this.complained());
	}

	logs()
	{
		return this.hosts.map(h => `---- ${h.id}\n` +
		    h.logged().slice(-LOG_TAIL)).join('\n');
	}

	// The janitor does it, now or when this process dies.
	async remove()
	{
		for (const host of this.hosts)
			host.up = false;
		this.janitor.stdin.end();
		if (this.janitor.exitCode === null)
			await once(this.janitor, 'exit');
	}
}

// Runs the cases, {name: async function(use)}, one after the other; use(lab)
// makes a lab theirs.  Prints and returns what Check would.
export async function run(file, cases)
{
	const failures = [], names = Object.keys(cases);
	const leave = () => process.exit(1);	// the janitor cleans up

	process.on('SIGINT', leave);
	process.on('SIGTERM', leave);
	process.on('SIGHUP', leave);
	for (const name of names) {
		let lab;

		try {
			await cases[name](l => { lab = l; });
		} catch (error) {
			failures.push(`${file}: ${name}: ${error.stack}`);
			console.log(lab?.logs());
			console.log(lab?.complained());
		}
		await lab?.remove();
	}
	const n = names.length, bad = failures.length;

	console.log(`${Math.floor(100 * (n - bad) / n)}%: Checks: ${n}, ` +
	    `Failures: ${bad}, Errors: 0`);
	failures.forEach(text => console.log(text));
	process.exit(bad > 0 ? 1 : 0);
}
