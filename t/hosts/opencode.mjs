// SPDX-License-Identifier: ISC
// A real OpenCode with our plugin and a scripted model: its sessions are
// peers, what is sent to one starts a turn there, and its model answers.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const WAIT_MS = 60000, LOOK_MS = 100;
const here = path.dirname(fileURLToPath(import.meta.url));
const top = path.resolve(process.env.ECORELAY_BUILD ?? `${here}/../..`);
const share = path.resolve(here, '../../share');
const script = path.resolve(here, process.env.HOSTS_SH);
const dir = fs.mkdtempSync('/tmp/eroc.');
const data = path.join(dir, 'd'), home = path.join(dir, 'oc');
const children = [];

async function until(what, look)
{
	for (const end = Date.now() + WAIT_MS; Date.now() < end;) {
		const value = await look().catch(() => undefined);
		if (value)
			return value;
		await sleep(LOOK_MS);
	}
	return assert.fail(`${what}: not within ${WAIT_MS} ms`);
}

function freePort()
{
	return new Promise(resolve => {
		const server = net.createServer().listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => resolve(port));
		});
	});
}

function start(file, args, env)
{
	const child = spawn(file, args, { env: { ...process.env, ...env },
	    stdio: ['pipe', 'pipe', 'ignore'], detached: true });

	children.push(child);
	return child;
}

// An MCP client of channeld that knows no more than it must.
class Peer {
	constructor(name, env)
	{
		this.child = start(`${top}/channeld/channeld`, [],
		    { ...env, RELAY_PEER_ID: name });
		this.answers = new Map();
		this.rest = '';
		this.id = 0;
		this.child.stdout.on('data', text => this.read(`${text}`));
		this.request('initialize', { protocolVersion: '2025-11-25',
		    capabilities: {}, clientInfo: { name, version: '1' } });
		this.write({ method: 'notifications/initialized' });
	}

	write(message)
	{
		this.child.stdin.write(JSON.stringify({ jsonrpc: '2.0',
		    ...message }) + '\n');
	}

	request(method, params)
	{
		const id = ++this.id;

		this.write({ id, method, params });
		return new Promise(resolve => this.answers.set(id, resolve));
	}

	read(text)
	{
		const lines = (this.rest + text).split('\n');

		this.rest = lines.pop();
		for (const line of lines) {
			const { id, result } = JSON.parse(line);
			this.answers.get(id)?.(result);
		}
	}

	async call(name, args = {})
	{
		return (await this.request('tools/call', { name,
		    arguments: args })).structuredContent;
	}
}

const [wsPort, stubPort, port] = await Promise.all([freePort(), freePort(),
    freePort()]);
const env = { HOME: dir, ECORELAY_DATA: data, ECORELAY_WS_PORT: `${wsPort}`,
    ECORELAY_IDLE_MS: '1000' };
let peer, session;

async function http(method, where, body)
{
	const answer = await fetch(`http://127.0.0.1:${port}${where}`, {
		method, headers: { 'content-type': 'application/json' },
		body: body && JSON.stringify(body),
		signal: AbortSignal.timeout(5000),
	});

	return answer.json();
}

const names = async () => (await peer.call('relay_peers')).peers.map(p =>
    p.name).sort();

const cases = {
	'a session is a peer, a child session is none': async () => {
		session = await until('OpenCode runs', () =>
		    http('POST', '/session', {}));
		await until('it is a peer', async () =>
		    (await names()).length === 1);
		await http('POST', '/session', { parentID: session.id });
		await http('POST', '/session', {});
		await until('another is, too', async () =>
		    (await names()).length === 2);
		assert.deepEqual(await names(), ['work', 'work-2']);
	},
	'a message starts a turn, whose model answers': async () => {
		const { msg_id } = await peer.call('relay_send', { to: 'work',
		    text: '@@call relay_send {"to":"boss","text":"done"}' });
		const answer = await until('the answer', async () =>
		    (await peer.call('relay_inbox')).messages[0]);
		assert.equal(answer.from, 'work');
		assert.equal(answer.text, 'done');
		await until('the receipt', async () => /received|seen/.test(
		    (await peer.call('relay_status', { msg_id })).state));
	},
	'a deleted session leaves': async () => {
		await http('DELETE', `/session/${session.id}`);
		await until('it has left', async () =>
		    (await names()).join() === 'work-2');
	},
};

function clean()
{
	for (const child of children) {
		try {
			process.kill(-child.pid, 'SIGKILL');
		} catch {
			// it has ended
		}
	}
	fs.rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
}

process.on('SIGTERM', () => {
	clean();
	process.exit(1);
});
spawnSync(script, ['home', 'opencode', home, `${stubPort}`, '-']);
const config = path.join(home, '.config/opencode');
fs.mkdirSync(path.join(config, 'ecorelay'), { recursive: true });
fs.copyFileSync(`${share}/opencode/ecorelay.js`,
    `${config}/plugins/ecorelay.js`);
fs.copyFileSync(`${share}/lib/relay.mjs`, `${config}/ecorelay/relay.mjs`);
start(script, ['stub', `${stubPort}`, `${dir}/stub.log`], {});
peer = new Peer('boss', env);
const host = start(script, ['run', 'opencode', home, 'serve', '--port', `${port}`], {
	ENV: `ECORELAY_DATA=${data} ECORELAY_WS_PORT=${wsPort} ` +
	    `ECORELAY_IDLE_MS=1000 ECORELAY_HUBD=${top}/hubd/hubd`,
});
let said = '';
host.stdout.on('data', text => {
	said += text;
});
// A request that comes sooner is never answered.
await until('OpenCode listens', async () => /listening/.test(said))
    .catch(() => {});
let n = 0;
const failures = [];
for (const [name, run] of Object.entries(cases)) {
	n++;
	await run().catch(error =>
	    failures.push(`opencode.mjs: ${name}: ${error.stack}`));
}
clean();
console.log(`${Math.floor(100 * (n - failures.length) / n)}%: Checks: ${n}, ` +
    `Failures: ${failures.length}, Errors: 0`);
failures.forEach(text => console.log(text));
process.exit(failures.length > 0 ? 1 : 0);
