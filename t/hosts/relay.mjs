// SPDX-License-Identifier: ISC
// What tests with the official MCP SDK share: a hub of their own, sessions
// (each a channeld with an SDK client), and a summary in Check's form.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport }
    from '@modelcontextprotocol/sdk/client/stdio.js';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const WAIT_MS = 40000;
const LOOK_MS = 20;
const IDLE_MS = 1000;
const here = path.dirname(fileURLToPath(import.meta.url));
const build = path.resolve(process.env.ECORELAY_BUILD ?? `${here}/../..`);

// What a test must not inherit from whoever runs it.
const FOREIGN = /^(RELAY|ECORELAY|CLAUDE)_/;

// Waits until look() gives something true and returns that.
export async function until(what, look)
{
	const end = Date.now() + WAIT_MS;

	for (;;) {
		const value = await look();
		if (value)
			return value;
		if (Date.now() >= end)
			assert.fail(`${what}: not within ${WAIT_MS} ms`);
		await sleep(LOOK_MS);
	}
}

// The SDK's transport, with what it does not tell: how channeld ended.  It
// also sends another protocol version than the SDK's, if one is asked for.
class Transport extends StdioClientTransport {
	constructor(parameters, version)
	{
		super(parameters);
		this.version = version;
		this.ended = new Promise(resolve => {
			this.onEnd = resolve;
		});
	}

	async start()
	{
		await super.start();
		this._process.once('close', (code, signal) =>
		    this.onEnd(signal ?? code));
	}

	send(message)
	{
		if (message.method === 'initialize' && this.version)
			message.params.protocolVersion = this.version;
		return super.send(message);
	}

	setProtocolVersion(version)
	{
		this.negotiated = version;
	}
}

// One session: a channeld and the SDK's client, connected by start().
export class Session {
	constructor(hub, name, { args = [], version, start = true } = {})
	{
		this.name = name;
		this.pushes = [];
		this.wanted = [];
		this.errors = [];	// what the SDK's client did not expect
		this.stderr = '';
		this.called = hub.called;
		this.transport = new Transport({
			command: path.join(build, 'channeld/channeld'),
			args,
			cwd: hub.dir,
			env: { ...hub.env, RELAY_PEER_ID: name },
			stderr: 'pipe',
		}, version);
		this.transport.stderr.on('data', data => {
			this.stderr += data;
		});
		this.client = new Client({ name: 'sdk', version: '1' });
		this.client.onerror = error => this.errors.push(error.message);
		this.client.fallbackNotificationHandler = async message =>
		    this.notified(message);
	}

	async start()
	{
		await this.client.connect(this.transport);
		return this;
	}

	notified({ method, params })
	{
		assert.equal(method, 'notifications/claude/channel');
		const i = this.wanted.findIndex(w => w.match(params));
		if (i >= 0)
			this.wanted.splice(i, 1)[0].resolve(params);
		else
			this.pushes.push(params);
	}

	// The first notification whose meta has all these members.
	push(meta)
	{
		const match = p => Object.keys(meta).every(key =>
		    p.meta[key] === meta[key]);
		const i = this.pushes.findIndex(match);
		if (i >= 0)
			return this.pushes.splice(i, 1)[0];
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => reject(new Error(
			    `${this.name} was not notified of ` +
			    JSON.stringify(meta))), WAIT_MS);
			this.wanted.push({ match, resolve: params => {
				clearTimeout(timer);
				resolve(params);
			} });
		});
	}

	// tools/call: its result as it came.
	raw(name, args = {}, options)
	{
		this.called.add(name);
		return this.client.callTool({ name, arguments: args },
		    undefined, options);
	}

	// The object that a tool returned, which is there in both forms.
	async call(name, args)
	{
		const result = await this.raw(name, args);
		const object = this.object(result);

		assert.notEqual(result.isError, true, JSON.stringify(object));
		assert.deepEqual(result.structuredContent, object);
		return object;
	}

	// The code and message with which a tool refuses.
	async refused(name, args)
	{
		const result = await this.raw(name, args);
		const object = this.object(result);

		assert.equal(result.isError, true, `${name} ` +
		    JSON.stringify(args).slice(0, 200) + ': ' +
		    JSON.stringify(object).slice(0, 200));
		assert.equal(object.ok, false);
		assert.match(object.message, /^.{10,}[.]$/s);
		return object.code;
	}

	object(result)
	{
		assert.equal(result.content.length, 1);
		assert.equal(result.content[0].type, 'text');
		return JSON.parse(result.content[0].text);
	}

	// Closes channeld's stdin; it ends well and has said nothing odd.
	async end()
	{
		await this.client.close();
		assert.equal(await this.transport.ended, 0,
		    'how channeld ended');
		assert.equal(this.stderr, '');
		assert.deepEqual(this.errors, []);
	}
}

// A directory and an environment in which the first session starts a hub.
export class Hub {
	constructor()
	{
		// Short, so that a socket's path in it fits.
		this.dir = fs.mkdtempSync('/tmp/ersdk.');
		this.data = path.join(this.dir, 'd');
		this.called = new Set();
		this.sessions = [];
		this.env = {};
		for (const [key, value] of Object.entries(process.env)) {
			if (!FOREIGN.test(key))
				this.env[key] = value;
		}
		Object.assign(this.env, { ECORELAY_DATA: this.data,
		    ECORELAY_WS_PORT: '0', ECORELAY_IDLE_MS: `${IDLE_MS}`,
		    HOME: this.dir });
	}

	session(name, options)
	{
		const s = new Session(this, name, options);

		this.sessions.push(s);
		return s.start();
	}

	// Ends all sessions that a test has left, whatever becomes of one.
	async endSessions()
	{
		const ends = await Promise.allSettled(this.sessions.splice(0)
		    .filter(s => s.transport.pid !== null).map(s => s.end()));
		const failed = ends.find(e => e.status === 'rejected');

		if (failed)
			throw failed.reason;
	}

	// The processes that have our environment; none without /proc.
	processes()
	{
		const mine = pid => {
			try {
				return fs.readFileSync(`/proc/${pid}/environ`)
				    .includes(`ECORELAY_DATA=${this.data}\0`);
			} catch {
				return false;
			}
		};

		return !fs.existsSync('/proc') ? [] : fs.readdirSync('/proc')
		    .filter(name => /^\d+$/.test(name) && mine(name));
	}

	// Looks for the socket's file: a connection would make the hub stay.
	async hasLeft()
	{
		await until('the hub leaves', () =>
		    !fs.existsSync(`${this.data}/hub.sock`));
		await until('no process is left', () =>
		    this.processes().length === 0);
	}

	// A signal is sent to what a test has left, more than once: a process
	// may be starting another one.
	async remove()
	{
		await until('all processes end', () => {
			const pids = this.processes();

			for (const pid of pids) {
				try {
					process.kill(Number(pid), 'SIGKILL');
				} catch {
					// it has just ended
				}
			}
			return pids.length === 0;
		}).catch(error => console.log(error.message));
		fs.rmSync(this.dir, { recursive: true, force: true });
	}

	logs()
	{
		const dir = path.join(this.data, 'logs');

		return !fs.existsSync(dir) ? '' : fs.readdirSync(dir).map(
		    name => fs.readFileSync(path.join(dir, name), 'utf8')
		    .slice(-6000)).join('');
	}
}

// Runs the cases, {name: async function(hub)}, one after the other; prints
// and returns what Check would.
export async function run(file, cases)
{
	const hub = new Hub();
	const failures = [];
	const clean = () => hub.remove().finally(() => process.exit(1));
	const names = Object.keys(cases);

	process.on('SIGINT', clean);
	process.on('SIGTERM', clean);
	process.on('unhandledRejection', error => {
		console.log(error);
		clean();
	});
	for (const name of names) {
		try {
			await cases[name](hub);
			await hub.endSessions();
		} catch (error) {
			failures.push(`${file}: ${name}: ${error.stack}`);
			await hub.endSessions().catch(() => {});
		}
	}
	if (failures.length > 0)
		console.log(hub.logs());
	await hub.remove();
	const n = names.length, bad = failures.length;
	console.log(`${Math.floor(100 * (n - bad) / n)}%: Checks: ${n}, ` +
	    `Failures: ${bad}, Errors: 0`);
	failures.forEach(text => console.log(text));
	process.exit(bad > 0 ? 1 : 0);
}
