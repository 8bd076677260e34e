// SPDX-License-Identifier: ISC
// Hubs that meet at a relay, seen from their sessions: they talk as those on a
// LAN do, what was acknowledged arrives once and in order whatever becomes of
// relay, cables and hubs, and the relay knows nothing of what is said.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { build, Lab, PORT, run, until, WAIT_MS } from './lab.mjs';
import { Assistant } from './mcp.mjs';
import { checkSearch, found } from './search.mjs';
import { Session } from './session.mjs';
import { allKnown, askAll, broadcast, checkAll, settle, stopAll }
    from './talk.mjs';

const RELAY_PORT = 9800;
const KILLS = 5;
const MAP_MAX = 1n << 30n;	// bytes of memory that is searched in one
const AWAY = 20;		// messages to each that is away
const PAUSE_MS = 60;		// between messages of a session, at most
const BETWEEN = 20;		// messages that must come between two faults
const KEPT = 10000;		// none is read until the end
const LONG = 100000, LONG_EACH = 50;	// characters, and how often
const GONE = ['leave', 'join', 'room_leave', 'link_down'];
const NOTICED_MS = 120000;	// that a cable is out: 45 s, if all is well
const READ = 4 << 20;		// bytes of memory at a time

const word = what => `${what}-${randomBytes(6).toString('hex')}`;

function openssl(...args)
{
	execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

// A CA, and a certificate of it for a server with these addresses.
function certify(dir, addresses)
{
	const at = name => path.join(dir, name);
	const key = name => ['-newkey', 'ec', '-pkeyopt',
	    'ec_paramgen_curve:P-256', '-nodes', '-keyout', at(name)];

	openssl('req', '-x509', ...key('ca.key'), '-out', at('ca.pem'),
	    '-days', '2', '-subj', '/CN=a CA of the tests');
	openssl('req', '-new', ...key('relay.key'), '-out', at('relay.csr'),
	    '-subj', '/CN=relay');
	fs.writeFileSync(at('alt'), `subjectAltName=${addresses.map(a =>
	    `IP:${a}`).join()}\n`);
	openssl('x509', '-req', '-in', at('relay.csr'), '-CA', at('ca.pem'),
	    '-CAkey', at('ca.key'), '-set_serial', '1', '-days', '2',
	    '-extfile', at('alt'), '-out', at('relay.pem'));
	fs.chmodSync(at('relay.key'), 0o600);
}

// Two hubs, each with a cable to a relay, and on a switch if there is a LAN.
class Stage {
	constructor(use, { ids = ['alpha', 'beta'], lan = false } = {})
	{
		this.lab = new Lab(...ids, 'relay');
		use(this.lab);
		this.hubs = this.lab.hosts.slice(0, -1);
		this.relay = this.lab.hosts.at(-1);
		this.lan = lan;
		this.token = word('token');
		this.sessions = [];
	}

	async wire()
	{
		const { lab, hubs, relay } = this;

		await lab.wire(word('secret'), this.lan ? hubs : []);
		for (const [i, hub] of hubs.entries()) {
			await hub.cable(relay, i + 1);
			hub.far = `10.98.${i + 1}.1`;
			hub.relay = `10.98.${i + 1}.2`;
		}
		this.tokenFile = path.join(lab.dir, 'token');
		fs.writeFileSync(this.tokenFile, `${this.token}\n`,
		    { mode: 0o600 });
		certify(lab.dir, hubs.map(hub => hub.relay));
		fs.writeFileSync(relay.conf, `listen on * port ${RELAY_PORT}` +
		    ` tls certificate "${lab.dir}/relay.pem"` +
		    ` key "${lab.dir}/relay.key"\n` +
		    `secret file "${this.tokenFile}"\n`, { mode: 0o600 });
		for (const hub of hubs)
			hub.configure(this.statements(hub));
	}

	statements(hub)
	{
		const others = this.hubs.filter(h => h !== hub && this.lan);

		return [`keep ${KEPT} messages per mailbox`,
		    `relay "wss://${hub.relay}:${RELAY_PORT}" ` +
		    `token file "${this.tokenFile}" ` +
		    `ca file "${this.lab.dir}/ca.pem"`,
		    ...this.lan ? [`lan listen on ${hub.address} ` +
		    `port ${PORT}`] : [],
		    ...others.map(h => `lan peer "${h.id}" ` +
			`host ${h.address} port ${PORT}`)];
	}

	session(hub, name, options)
	{
		const s = new Session(hub, name, options);

		this.sessions.push(s);
		return s;
	}

	startRelay()
	{
		const { relay } = this;
		const before = relay.logged().length;

		return relay.run('relayd', () => relay.logged().slice(before)
		    .includes('the relay serves'));
	}

	// All of it at once: nobody in it sees that another one is gone, and
	// says good-bye.
	async killRelay()
	{
		for (const pid of await this.relay.pids())
			process.kill(Number(pid), 'SIGSTOP');
		await this.relay.kill(null);
	}

	async start()
	{
		await this.wire();
		await this.startRelay();
		await Promise.all(this.hubs.map(hub => hub.start()));
		await Promise.all(this.sessions.map(s => s.join()));
		await allKnown(this.hubs, this.sessions);
	}

	// Each of the first two hubs reaches the other one over that.
	both(kind)
	{
		const [a, b] = this.hubs;

		return Promise.all([linked(a, b, kind), linked(b, a, kind)]);
	}

	async end()
	{
		await settle(this.sessions, WAIT_MS);
		await allKnown(this.hubs, this.sessions);
		await checkAll(this.sessions);
		await stopAll(this.lab, this.sessions);
	}
}

// Rows of hubctl show links.
async function links(hub)
{
	const { stdout } = await hub.execute(`${build}/hubctl/hubctl`, '-j',
	    'show', 'links');

	return JSON.parse(stdout).links;
}

async function linked(hub, other, kind)
{
	let is;

	await until(`${hub.id}: ${other.id} is reached by ${kind}`,
	    async () => {
		is = await links(hub);
		return is.some(l => l.hub_id === other.id &&
		    l.kind === kind && l.state === 'up');
	    }, NOTICED_MS, () => JSON.stringify(is));
}

// What hubctl monitor says from now on.
class Monitor {
	constructor(hub)
	{
		this.events = [];
		this.child = hub.spawn([`${build}/hubctl/hubctl`, '-j',
		    'monitor'], { env: hub.env(),
		    stdio: ['ignore', 'pipe', 'inherit'] });
		readline.createInterface({ input: this.child.stdout })
		    .on('line', line => this.events.push(JSON.parse(line)));
	}

	async stop()
	{
		this.child.kill();
		await once(this.child, 'exit');
	}
}

// Sessions that talk to those of other hubs all the time.
class Load {
	constructor(sessions)
	{
		this.sessions = sessions;
		this.on = true;
		this.done = Promise.all(sessions.map(s => this.talk(s)));
	}

	async talk(sender)
	{
		const others = this.sessions.filter(r =>
		    r.host !== sender.host);

		for (let i = 0; this.on; i++) {
			const to = others[i % others.length];

			// more than that only if somebody takes it
			if (sender.sent.filter(m => !m.acks).length < 100)
				sender.send(to, to.nameFrom(sender.host),
				    `${i} of ${sender.name} ${'\u20ac'.repeat(
				    i % LONG_EACH === 7 ? LONG :
				    i % 17 * 100)}`);
			await sleep(i * 7 % PAUSE_MS);
		}
	}

	// Until each has got some more, of each other hub.
	async flows(n = BETWEEN)
	{
		const before = new Map(this.sessions.map(s =>
		    [s, s.pushes.length]));

		await until('messages come', () => this.sessions.every(s =>
		    s.pushes.length >= before.get(s) + n), WAIT_MS,
		    () => JSON.stringify(this.sessions.map(s => [s.name,
			s.pushes.length - before.get(s)])));
	}

	async stop()
	{
		this.on = false;
		await this.done;
	}
}

// All that the processes of a host have in their memory; [pid, bytes] each.
async function *memory(host, program)
{
	for (const pid of await host.pids(program)) {
		const file = fs.openSync(`/proc/${pid}/mem`, 'r');
		const maps = fs.readFileSync(`/proc/${pid}/maps`, 'latin1');

		for (const [, from, to, name] of maps.matchAll(
		    /^(\w+)-(\w+) r\S+ \S+ \S+ \S+ *(.*)$/gm)) {
			// sanitizers have maps of terabytes, without contents
			if (!/^\[v(var|syscall|var_vclock)\]/.test(name) &&
			    BigInt(`0x${to}`) - BigInt(`0x${from}`) < MAP_MAX)
				yield [pid, readMap(file, BigInt(`0x${from}`),
				    BigInt(`0x${to}`))];
		}
		fs.closeSync(file);
	}
}

// What is not there any more, since the process goes on, is passed over.
function readMap(file, from, to)
{
	const bytes = Buffer.alloc(Number(to - from));
	let n = 0;

	while (n < bytes.length) {
		let got = 0;

		try {
			got = fs.readSync(file, bytes, n,
			    Math.min(READ, bytes.length - n), from + BigInt(n));
		} catch {
			// file-backed, and behind the end of the file
		}
		if (got === 0)
			break;
		n += got;
	}
	return bytes.subarray(0, n);
}

// Which of the words the memory has, with patterns, which it is not searched
// for in all their forms.
async function remembered(host, program, words)
{
	const hits = new Set(), pids = new Set();
	let total = 0;

	for await (const [pid, bytes] of memory(host, program)) {
		pids.add(pid);
		total += bytes.length;
		for (const w of words) {
			if (w instanceof RegExp ?
			    w.test(bytes.toString('latin1')) :
			    found([bytes], w))
				hits.add(w);
		}
	}
	console.log(`relay.mjs: ${total} bytes of ${pids.size} processes ` +
	    `${program} on ${host.id}, ${hits.size} of ${words.length} ` +
	    'words found');
	assert.ok(total > 1000000, 'there is no memory to search');
	return hits;
}

// What the relay passes on must be found, what is said must not; and a hub
// that knows it shows that it can be.
async function searchRelay(stage, load, secrets)
{
	const { hubs, relay } = stage;
	const [a, b] = hubs.map(hub => stage.sessions.find(s =>
	    s.host === hub));
	const must = [...hubs.map(hub => hub.id),
	    /"sid" ?: ?"[0-9a-f]{32}"/];
	let lacks;

	const say = n => {
		secrets.push(word('text'));
		for (const [from, to] of [[a, b], [b, a]])
			from.send(to, to.nameFrom(from.host),
			    `${secrets.at(-1)} ${'.'.repeat(n)}`);
	};

	for (let i = 0; i < 20; i++)
		say(i * 100);
	await load.flows();
	await until('what the relay passes on is found in it', async () => {
		const hits = await remembered(relay, 'relayd', [...must,
		    ...secrets, 'answer to']);

		for (const text of [...secrets, 'answer to'])
			assert.ok(!hits.has(text), `the relay knows ${text}`);
		lacks = must.filter(w => !hits.has(w));
		return lacks.length === 0;
	}, WAIT_MS, () => lacks.join());
	// it does not keep a text for longer than it has to
	await until('a hub has in its memory what it knows', async () => {
		say(1000);
		const hits = await remembered(a.host, 'hubd', secrets);

		lacks = [b.name, b.cwd.slice(1, -2), b.git_branch]
		    .filter(w => !hits.has(w));
		return lacks.length === 0 && secrets.some(w =>
		    w.startsWith('text-') && hits.has(w));
	}, WAIT_MS, () => lacks.join());
}

async function rooms(sessions)
{
	const [first] = sessions;

	for (const s of sessions) {
		const ack = await s.request({ type: 'join_room', room: 'r' });

		assert.equal(ack.type, 'room_ack', JSON.stringify(ack));
	}
	const names = async s => ((await s.request({ type: 'list_rooms' }))
	    .rooms.find(r => r.name === 'r')?.members ?? []).sort().join();

	for (const s of sessions) {
		const wanted = sessions.map(o => o.nameFrom(s.host)).sort()
		    .join();

		await until(`${s.name} sees all in the room`, async () =>
		    await names(s) === wanted);
	}
	for (const s of sessions) {
		const text = `room: ${s.name}`;
		const ack = await s.request({ type: 'room_msg', room: 'r',
		    text, msg_id: text });

		assert.equal(ack.delivered_count, sessions.length - 1);
		await until('all in the room hear it', () =>
		    sessions.every(o => o === s || o.inRooms.some(m =>
		    m.text === text && m.from === s.nameFrom(o.host))));
	}
	for (const s of sessions)
		assert.equal(s.inRooms.length, sessions.length - 1);
	await first.request({ type: 'leave_room', room: 'r' });
	for (const s of sessions.slice(1))
		await until(`${s.name} sees that one leaves`, async () =>
		    !(await names(s)).split(',').includes(
		    first.nameFrom(s.host)));
}

// One makes it, all of them write to it.
async function group(sessions)
{
	const [maker, ...others] = sessions;
	const called = s => s.host === maker.host ? 'g' :
	    `g@${maker.host.id}`;
	const made = await maker.request({ type: 'group_create', name: 'g',
	    members: others.map(s => s.nameFrom(maker.host)) });

	assert.equal(made.type, 'group_created', JSON.stringify(made));
	assert.equal(made.members.length, sessions.length);
	for (const s of sessions) {
		const text = `group: ${s.name}`;
		const ack = await s.request({ type: 'group_send',
		    group: called(s), text });

		assert.equal(ack.type, 'group_ack', JSON.stringify(ack));
		await until('all in the group hear it', () =>
		    sessions.every(o => o === s || o.inGroups.some(m =>
		    m.text === text && m.from === s.nameFrom(o.host) &&
		    m.group === called(o))));
	}
	for (const s of others) {
		const { messages } = await s.request({ type: 'group_history',
		    group: called(s) });

		assert.deepEqual(messages.filter(m => m.type === 'message')
		    .map(m => m.text), sessions.map(o => `group: ${o.name}`));
	}
}

// As others see it, and what was for the old name comes to the new one.
async function rename(hubs, sessions, session, other)
{
	const old = session.nameFrom(other.host);

	session.name = word('renamed');
	const ack = await session.request({ type: 'rename',
	    new_name: session.name });

	assert.equal(ack.type, 'ack', JSON.stringify(ack));
	await allKnown(hubs, sessions);
	other.send(session, old, 'to the name that it had');
	other.send(session, session.nameFrom(other.host), 'to the new one');
	await settle(sessions, WAIT_MS);
}

// Presence: somebody comes, and goes.
async function comeAndGo(stage, hub)
{
	const guest = new Session(hub, word('guest'));

	await guest.join();
	await allKnown(stage.hubs, [...stage.sessions, guest]);
	await guest.leave();
	await allKnown(stage.hubs, stage.sessions);
}

async function assistants(stage)
{
	const [a, b] = await Promise.all(stage.hubs.map(hub =>
	    new Assistant(hub, word('assistant')).start()));
	const at = s => `${s.name}@${s.host.id}`;

	await until('assistants see each other', async () =>
	    (await a.call('relay_peers')).peers.some(p => p.name === at(b)) &&
	    (await b.call('relay_peers')).peers.some(p => p.name === at(a)));
	const sent = await a.call('relay_send', { to: at(b), text: 'hello' });
	const came = await b.pushed({ msg_id: sent.msg_id });

	assert.deepEqual([came.content, came.meta.from], ['hello', at(a)]);
	const { ask_id } = await b.call('relay_ask', { to: at(a),
	    question: 'who?' });
	const ask = await a.pushed({ ask_id });

	assert.equal(ask.content, 'who?');
	await a.call('relay_reply', { ask_id, text: 'me' });
	assert.equal((await b.pushed({ ask_id })).content, 'me');
	await Promise.all([a.end(), b.end()]);
	await allKnown(stage.hubs, stage.sessions);
}

// One hub is off while it is written to.
async function away(stage)
{
	const [here, there] = stage.hubs;
	const on = host => stage.sessions.filter(s => s.host === host);

	await there.stop();
	for (let i = 0; i < AWAY; i++) {
		for (const s of on(here)) {
			for (const r of on(there))
				s.send(r, `${r.name}@${there.id}`,
				    `${i}, while it is off`);
		}
	}
	await until('its hub takes them', () => on(here).every(s =>
	    s.sent.every(m => m.acks > 0)));
	assert.ok(on(there).every(r => !r.registered));
	await there.start();
	await until('its sessions are back', () =>
	    on(there).every(r => r.registered));
	await settle(stage.sessions, WAIT_MS);
	await allKnown(stage.hubs, stage.sessions);
}

const cases = {};

cases['sessions talk by way of a relay, which cannot read it'] = async use => {
	checkSearch();
	const stage = new Stage(use, { ids: [word('h'), word('h')] });
	const { hubs, relay, sessions } = stage;
	const secrets = hubs.map(hub => {
		const what = ['cwd', 'branch'].map(word);

		what.push(...[0, 1].map(() => word('name')));
		what.slice(2).forEach(name => stage.session(hub, name, {
		    cwd: `/${what[0]}/x`, git_branch: what[1] }));
		return what;
	}).flat();
	const [a, a2, b] = sessions;

	await stage.start();
	for (const [i, hub] of hubs.entries()) {
		const other = hubs[1 - i];

		assert.ok(await hub.routes(hub.relay));
		for (const address of [other.far, other.relay, other.address])
			assert.ok(!await hub.routes(address),
			    `${hub.id} has a route to ${address}`);
		await linked(hub, other, 'relay');
	}
	await Promise.all(sessions.map(s => askAll(sessions, s)));
	await Promise.all(sessions.map(s => broadcast(sessions, s)));
	await rooms(sessions);
	await group(sessions);
	await rename(hubs, sessions, a2, b);
	secrets.push(a2.name);
	await comeAndGo(stage, hubs[1]);
	await assistants(stage);

	const load = new Load(sessions);

	await searchRelay(stage, load, secrets);
	await load.stop();
	await away(stage);
	await stage.end();
	assert.ok(!secrets.some(s => relay.logged().includes(s)));
	for (const hub of [...hubs, relay])
		assert.ok(!found([Buffer.from(hub.logged())], stage.token),
		    `the token is in the log of ${hub.id}`);
};

cases['a relay is killed under load'] = async use => {
	const stage = new Stage(use);
	const { hubs, relay, sessions } = stage;

	for (const hub of hubs)
		['one', 'two'].forEach(name => stage.session(hub, name));
	await stage.start();
	const load = new Load(sessions);

	const again = async (what, fault) => {
		await load.flows();
		await fault();
		const begin = Date.now();

		await load.flows();
		console.log(`relay.mjs: ${what}, and ${Date.now() - begin} ` +
		    'ms later all have got some more');
	};

	for (let i = 0; i < KILLS; i++) {
		await again('the relay was killed', async () => {
			await stage.killRelay();
			await sleep(i * 200);	// what is sent now waits
			await stage.startRelay();
		});
	}
	await again('an uplink was killed', () => hubs[0].kill('relayd'));
	await again('a hub was killed', async () => {
		await hubs[1].kill(null);
		await hubs[1].start();
	});
	await load.stop();
	await stage.end();
	console.log(`relay.mjs: ${sessions.reduce((n, s) => n +
	    s.sent.length, 0)} messages, relay killed ${KILLS} times`);
};

// Asked over the LAN, answered over the relay.
async function askAcross(stage, asker, target)
{
	target.answers = false;
	const answer = asker.ask(target.nameFrom(asker.host), 'and later?',
	    { timeout_ms: 5 * WAIT_MS });
	const ask = await until('it is asked', () => target.asked.at(-1));
	const begin = Date.now();

	await asker.host.pull(1);
	await stage.both('relay');
	console.log('relay.mjs: the LAN cable is out, and the relay is ' +
	    `used ${Date.now() - begin} ms later`);
	target.reply(ask);
	target.answers = true;
	const { type, text, from } = await answer;

	assert.deepEqual([type, text, from], ['incoming_reply',
	    'answer to and later?', target.nameFrom(asker.host)]);
}

cases['the LAN is used while it is there'] = async use => {
	const stage = new Stage(use, { lan: true });
	const { hubs, sessions } = stage, [alpha, beta] = hubs;

	for (const hub of hubs)
		['one', 'two'].forEach(name => stage.session(hub, name));
	await stage.start();
	await stage.both('lan');
	for (const hub of hubs)
		await until(`${hub.id} has the relay, too`, async () =>
		    (await links(hub)).some(l => l.kind === 'uplink' &&
		    l.state === 'up' && l.peers === 1));
	for (const s of sessions)
		await s.request({ type: 'join_room', room: 'r' });
	const monitors = hubs.map(hub => new Monitor(hub));
	const load = new Load(sessions);

	await load.flows();
	await askAcross(stage, sessions[0], sessions.at(-1));
	await load.flows();
	await alpha.plug();
	await stage.both('lan');
	await load.flows();
	for (const hub of hubs) {
		await hub.kill('bridged');
		await load.flows();
		await stage.both('lan');
	}
	// nobody has been seen to leave so far
	for (const m of monitors) {
		assert.ok(m.events.some(e => e.event === 'message'));
		assert.deepEqual(m.events.filter(e =>
		    GONE.includes(e.event)), []);
		await m.stop();
	}
	// what waits for a hub comes by the relay, and then once more
	for (const hub of [beta, alpha, beta]) {
		await hub.kill(null);
		await hub.start();
		await load.flows(1);
		await hub.kill('bridged');
	}
	await load.flows();
	await load.stop();
	await stage.both('lan');
	for (const s of sessions)
		await askAll(sessions, s);
	await stage.end();
};

await run('relay.mjs', cases);
