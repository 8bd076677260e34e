// SPDX-License-Identifier: ISC
// What the tests of links by way of relays share: hubs of their own, each with
// a hubd that is started as a service is, relays and plain hubs that are made
// of the package ws and know protocol.md section 3 only, and certificates.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import WebSocket, { WebSocketServer } from 'ws';

import { Hub, until, WAIT_MS } from './relay.mjs';

export const TOKEN = 'the token of this relay';
const LOG_SHOWN = 4000;
const FAULTS = /Sanitizer|runtime error| fatal: |the hub stops/;
const CALLS_PROXIES = /^(https?|no|all)_proxy$/i;
const here = path.dirname(fileURLToPath(import.meta.url));
export const build = path.resolve(process.env.ECORELAY_BUILD ??
    `${here}/../..`);
const exec = promisify(execFile);
const sites = [];
const dirs = [];

export function directory()
{
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ecorelay-up-'));

	dirs.push(dir);
	return dir;
}

// At the exit of this process: what still runs there may start others.
function removeTree(dir, processes = () => [])
{
	const nap = new Int32Array(new SharedArrayBuffer(4));
	const end = Date.now() + WAIT_MS;

	for (;;) {
		try {
			const pids = processes();

			pids.forEach(pid => process.kill(pid, 'SIGKILL'));
			fs.rmSync(dir, { recursive: true, force: true });
			if (pids.length === 0)
				return;
		} catch (error) {
			// one of them has just ended, or has made a file
			if (Date.now() >= end)
				throw error;
		}
		Atomics.wait(nap, 0, 0, 20);
	}
}

export async function freePort()
{
	const server = net.createServer().listen(0, '127.0.0.1');

	await once(server, 'listening');
	const { port } = server.address();
	server.close();
	await once(server, 'close');
	return port;
}

// A hub with hubd.conf, or with what is in its data directory.
export class Site extends Hub {
	constructor(id)
	{
		super();
		this.id = id;
		this.log = path.join(this.dir, 'log');
		for (const key of Object.keys(this.env)) {
			if (CALLS_PROXIES.test(key) || key === 'SSL_CERT_FILE')
				delete this.env[key];
		}
		fs.mkdirSync(this.data, { mode: 0o700 });
		sites.push(this);
	}

	// A file that only its owner can read; returns its path.
	file(name, text)
	{
		const at = path.join(this.dir, name);

		fs.writeFileSync(at, text, { mode: 0o600 });
		return at;
	}

	// The relay statement for that URL.
	relay(url, more = '', token = TOKEN)
	{
		this.file('token', `${token}\n`);
		return `relay "${url}" token file "${this.dir}/token" ` +
		    `${more}\n`;
	}

	// conf is the hubd.conf but the hub's id; null: there is none.
	async start(conf, args = [])
	{
		if (conf !== null)
			args = ['-f', this.file('hubd.conf',
			    `hub id "${this.id}"\n${conf}`), ...args];
		this.proc = spawn(`${build}/hubd/hubd`, ['-d', ...args],
		    { env: this.env, stdio: ['ignore', 'ignore',
		    fs.openSync(this.log, 'a')] });
		this.exited = once(this.proc, 'exit');
		await until(`the hub ${this.id} serves`, () => {
			assert.equal(this.proc.exitCode, null, this.said());
			return this.answers();
		});
		return this;
	}

	// For sessions, and for hubctl: that socket is the later one.
	async answers()
	{
		const answer = name => new Promise(resolve => {
			const s = net.connect(`${this.data}/${name}`);

			s.on('connect', () => { s.end(); resolve(true); });
			s.on('error', () => resolve(false));
		});

		return await answer('hub.sock') && answer('hubctl.sock');
	}

	said()
	{
		return fs.readFileSync(this.log, 'utf8') + this.logs();
	}

	// As a service is stopped, or by that signal.
	async stop(signal = 'SIGTERM')
	{
		this.proc.kill(signal);
		const [code] = await this.exited;

		if (signal === 'SIGTERM')
			assert.equal(code, 0, this.said());
		assert.doesNotMatch(this.said(), FAULTS);
		this.proc = undefined;
		await until('its processes end', () =>
		    this.processes().length === 0);
	}

	async hubctl(...args)
	{
		const { stdout } = await exec(`${build}/hubctl/hubctl`,
		    args, { env: this.env });

		return stdout;
	}

	async links()
	{
		return JSON.parse(await this.hubctl('-j', 'show',
		    'links')).links;
	}

	// Waits until the link to that hub is in that state; returns its row.
	link(hub, state = 'up', kind = 'relay')
	{
		return until(`${this.id}: ${hub} is ${state}`, async () =>
		    (await this.links()).find(l => l.hub_id === hub &&
			l.state === state && l.kind === kind));
	}

	noLink(hub)
	{
		return until(`${this.id}: no link to ${hub}`, async () =>
		    !(await this.links()).some(l => l.hub_id === hub &&
			l.state === 'up'));
	}

	// Likewise of the connection to a relay; error: what it says of it.
	uplink(state, error = /^$/)
	{
		let last;

		return until('the uplink', async () => {
			last = (await this.links()).find(l =>
			    l.kind === 'uplink');
			return last?.state === state &&
			    error.test(last.error) && last;
		}).catch(e => assert.fail(`${this.id}: the uplink is not ` +
		    `${state}, ${error}: ${JSON.stringify(last)}: ` +
		    e.message));
	}

	// Until a session of it sees these, and no more, of other hubs.
	async sees(session, ...names)
	{
		let last;

		await until('peers', async () => {
			const { peers } = await session.call('relay_peers');

			last = peers.map(p => p.name).filter(n =>
			    n.includes('@')).sort();
			return last.join() === names.sort().join();
		}).catch(e => assert.fail(`${session.name} sees ${last}, ` +
		    `not ${names}: ${e.message}`));
	}

	// With all its sessions.
	async end()
	{
		await this.endSessions();
		if (this.proc !== undefined)
			await this.stop();
		await this.remove();
		sites.splice(sites.indexOf(this), 1);
	}
}

// One end of a WebSocket; what it gets is kept until it is asked for.
class Plain {
	constructor(ws)
	{
		this.ws = ws;
		this.got = [];
		ws.on('error', error => { this.error = error; });
		this.closed = new Promise(resolve =>
		    ws.once('close', (code, why) =>
			resolve([code, why.toString()])));
	}

	say(msg)
	{
		this.ws.send(JSON.stringify(msg));
	}

	// The first one like that, of all that has come or will.
	find(what, match)
	{
		return until(what, () => {
			const i = this.got.findIndex(match);

			return i >= 0 && this.got.splice(i, 1)[0];
		});
	}
}

export const peer = name => ({ name, cwd: '/w', git_branch: 'main',
	last_seen: 1 });

// A hub that speaks section 3 and no more, at a relay.
export class PlainHub extends Plain {
	constructor(id, url)
	{
		super(new WebSocket(url));
		this.id = id;
		this.all = [];		// every text that it got
		this.ws.on('message', data => {
			this.all.push(data.toString());
			this.got.push(JSON.parse(data));
		});
	}

	async join(...names)
	{
		await once(this.ws, 'open');
		this.say({ type: 'bridge_hello', hub_id: this.id,
		    secret: TOKEN, protocol_version: '5',
		    peers: names.map(peer) });
		this.welcome = await this.find('welcome', m =>
		    m.type === 'bridge_welcome');
		return this;
	}

	// Until a session, name@hub, has joined or left.
	update(action, name)
	{
		return this.find(`${action} ${name}`, m =>
		    m.type === 'bridge_peer_update' && m.action === action &&
		    (m.peer?.name ?? m.name) === name);
	}

	// Until that session is there, or if it was there before.
	async knows(name)
	{
		if (!this.welcome.peers.some(p => p.name === name))
			await this.update('join', name);
	}

	message(from, to, text, id = `m-${Math.random()}`)
	{
		this.say({ type: 'bridge_forward', target_peer: to,
		    origin_hub: this.id, wrapped: { type: 'incoming_message',
		    msg_id: id, from, text, reply_to: null,
		    ts: new Date().toISOString() } });
	}

	end()
	{
		this.ws.close();
		return this.closed;
	}
}

// A relay of this process.  It keeps all that hubs say to it.  kind: what it
// knows besides section 3: 'plain' or, as ours, 'seal'.
export class FakeRelay {
	constructor({ kind = 'plain', tls, token = TOKEN } = {})
	{
		this.kind = kind;
		this.token = token;
		this.hubs = new Map();
		this.said = [];		// [hub, text], of all but hellos
		this.hellos = new Map();
		this.requests = [];
		this.server = tls ? https.createServer(tls) :
		    http.createServer();
		this.scheme = tls ? 'wss' : 'ws';
		new WebSocketServer({ server: this.server })
		    .on('connection', (ws, request) => {
			this.requests.push(request.url);
			ws.on('message', data =>
			    this.onMessage(ws, data.toString()));
			ws.on('close', () => this.leave(ws));
			ws.on('error', () => {});
		});
	}

	async start(port = 0)
	{
		this.server.listen(port, '127.0.0.1');
		await once(this.server, 'listening');
		this.port = this.server.address().port;
		this.url = `${this.scheme}://127.0.0.1:${this.port}/`;
		return this;
	}

	stop()
	{
		for (const h of this.hubs.values())
			h.ws.terminate();
		this.hubs.clear();
		this.server.close();
		this.server.closeAllConnections();
	}

	say(id, msg)
	{
		this.hubs.get(id)?.ws.send(JSON.stringify(msg));
	}

	others(id, msg)
	{
		for (const other of this.hubs.keys()) {
			if (other !== id)
				this.say(other, msg);
		}
	}

	onMessage(ws, text)
	{
		const m = JSON.parse(text);

		if (ws.id === undefined) {
			this.hello(ws, m);
			return;
		}
		this.said.push([ws.id, text]);
		this.handle(ws.id, m);
	}

	handle(id, m)
	{
		const h = this.hubs.get(id);

		if (m.type === 'bridge_peer_update' && m.action === 'join') {
			h.names.set(m.peer.name, m.peer);
			this.others(id, { ...m, peer: { ...m.peer,
			    name: `${m.peer.name}@${id}` } });
		} else if (m.type === 'bridge_peer_update') {
			h.names.delete(m.name);
			this.others(id, { ...m, name: `${m.name}@${id}` });
		} else if (m.type === 'bridge_forward') {
			this.forward(id, m.target_peer.split('@').pop(), m);
		}
	}

	// Tests change this one.
	forward(from, to, m)
	{
		this.say(to, { ...m, origin_hub: from });
	}

	hello(ws, m)
	{
		this.hellos.set(m.hub_id, m);
		if (m.secret !== this.token) {
			ws.close(4003, 'auth_failed');
			return;
		}
		if (this.hubs.has(m.hub_id)) {
			ws.close(4004, 'hub_id_taken');
			return;
		}
		ws.id = m.hub_id;
		const h = { ws, seals: this.kind === 'seal' &&
			m.features?.includes('seal'),
			names: new Map(m.peers.map(p => [p.name, p])) };
		const all = [...this.hubs];

		this.hubs.set(m.hub_id, h);
		ws.send(JSON.stringify({ type: 'bridge_welcome',
		    hub_id: 'relay', peers: all.flatMap(([id, other]) =>
			[...other.names.values()].map(p => ({ ...p,
			    name: `${p.name}@${id}` }))),
		    ...(this.kind === 'seal' && {
			features: ['hubs', 'limits', 'seal'],
			hubs: all.filter(([, o]) => o.seals)
			    .map(([id]) => id) }) }));
		for (const p of h.names.values())
			this.others(m.hub_id, { type: 'bridge_peer_update',
			    action: 'join', peer: { ...p,
			    name: `${p.name}@${m.hub_id}` } });
		if (h.seals)
			this.tellHub(m.hub_id, 'join');
	}

	// Only to those that know what it is.
	tellHub(hub, action)
	{
		for (const [id, h] of this.hubs) {
			if (id !== hub && h.seals)
				this.say(id, { type: 'relay_hub', action,
				    hub_id: hub });
		}
	}

	leave(ws)
	{
		const h = this.hubs.get(ws.id);

		if (h?.ws !== ws)
			return;
		this.hubs.delete(ws.id);
		for (const name of h.names.keys())
			this.others(ws.id, { type: 'bridge_peer_update',
			    action: 'leave', name: `${name}@${ws.id}` });
		if (h.seals)
			this.tellHub(ws.id, 'leave');
	}
}

// relayd, with one secret.
export class RealRelay {
	constructor()
	{
		this.dir = directory();
		this.log = path.join(this.dir, 'log');
		sites.push(this);
	}

	async start(more = '')
	{
		this.port ??= await freePort();
		this.url = `ws://127.0.0.1:${this.port}/`;
		fs.writeFileSync(`${this.dir}/secret`, `${TOKEN}\n`,
		    { mode: 0o600 });
		fs.writeFileSync(`${this.dir}/conf`,
		    `secret file "${this.dir}/secret"\n` +
		    `listen on 127.0.0.1 port ${this.port}\n${more}`);
		fs.writeFileSync(this.log, '');
		this.proc = spawn(`${build}/relayd/relayd`, ['-d', '-f',
		    `${this.dir}/conf`], { stdio: ['ignore', 'ignore',
		    fs.openSync(this.log, 'a')] });
		this.exited = once(this.proc, 'exit');
		await until('the relay serves', () => {
			assert.equal(this.proc.exitCode, null, this.said());
			return this.said().includes('serves');
		});
		return this;
	}

	said()
	{
		return fs.readFileSync(this.log, 'utf8');
	}

	async stop(signal = 'SIGTERM')
	{
		this.proc.kill(signal);
		await this.exited;
	}
}

const openssl = (...args) => execFileSync('openssl', args,
    { stdio: ['ignore', 'ignore', 'pipe'] });

// A CA, and certificates of it for servers of ws.
export class Authority {
	constructor(name)
	{
		this.dir = directory();
		this.ca = `${this.dir}/ca.pem`;
		this.n = 0;
		this.key('ca');
		openssl('req', '-x509', '-new', '-key', `${this.dir}/ca.key`,
		    '-out', this.ca, '-days', '30', '-subj', `/CN=${name}`,
		    '-addext', 'basicConstraints=critical,CA:TRUE',
		    '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
	}

	key(name)
	{
		openssl('genpkey', '-algorithm', 'EC', '-pkeyopt',
		    'ec_paramgen_curve:P-256', '-out',
		    `${this.dir}/${name}.key`);
	}

	// As hubs have for each other: nobody signs it but its key.
	ed25519()
	{
		const at = `${this.dir}/ed25519`;

		openssl('req', '-x509', '-newkey', 'ed25519', '-nodes',
		    '-keyout', `${at}.key`, '-out', `${at}.pem`, '-days', '1',
		    '-subj', '/CN=beta');
		return { cert: fs.readFileSync(`${at}.pem`),
			key: fs.readFileSync(`${at}.key`) };
	}

	// For that subjectAltName; days < 0: it has expired.
	sign(alt, { days = 1, by = this.ca } = {})
	{
		const at = `${this.dir}/${this.n++}`;
		const day = d => new Date(Date.now() + d * 86400000)
		    .toISOString().replace(/[-:T]|[.].*/g, '');

		this.key(path.basename(at));
		fs.writeFileSync(`${at}.conf`, '[ca]\ndefault_ca=c\n[c]\n' +
		    `database=${at}.index\nserial=${at}.serial\n` +
		    `new_certs_dir=${this.dir}\ndefault_md=sha256\n` +
		    'policy=p\nx509_extensions=x\nunique_subject=no\n' +
		    '[p]\ncommonName=supplied\n' +
		    `[x]\nsubjectAltName=${alt}\n`);
		fs.writeFileSync(`${at}.index`, '');
		fs.writeFileSync(`${at}.serial`, `${1000 + this.n}\n`);
		openssl('req', '-new', '-key', `${at}.key`, '-out',
		    `${at}.csr`, '-subj', '/CN=a relay');
		openssl('ca', '-batch', '-config', `${at}.conf`, '-in',
		    `${at}.csr`, '-out', `${at}.pem`, '-notext',
		    ...(by ? ['-cert', this.ca, '-keyfile',
			`${this.dir}/ca.key`] :
		    ['-selfsign', '-keyfile', `${at}.key`]),
		    '-startdate', `${day(Math.min(days, 0) - 1)}Z`,
		    '-enddate', `${day(days)}Z`);
		fs.chmodSync(`${at}.key`, 0o600);
		return { cert: fs.readFileSync(`${at}.pem`),
			key: fs.readFileSync(`${at}.key`), file: `${at}.pem` };
	}
}

// A test that failed leaves no process and no file behind, but its logs.
process.on('exit', code => {
	for (const s of sites) {
		if (code !== 0 && fs.existsSync(s.log))
			console.log(`--- ${s.id ?? 'relayd'}:\n` +
			    s.said().slice(-LOG_SHOWN));
		s.proc?.kill('SIGKILL');
	}
	for (const s of sites)
		removeTree(s.dir, () => s.processes?.().map(Number) ?? []);
	for (const dir of dirs)
		removeTree(dir);
});
