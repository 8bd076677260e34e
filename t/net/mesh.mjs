// SPDX-License-Identifier: ISC
// Hubs on a LAN, seen from their sessions: what was acknowledged arrives once
// and in order, whatever becomes of cables and processes (architecture.md,
// "How a message travels"), and nobody on the wire can read it.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Lab, PORT, run, until, WAIT_MS } from './lab.mjs';
import { checkSearch, found } from './search.mjs';
import { Session } from './session.mjs';
import { allKnown, askAll, broadcast, checkAll, settle, stopAll }
    from './talk.mjs';

// The same on all hubs: it is the hub that makes a name one.
const NAMES = ['one', 'two', 'three'];
const KINDS = ['info', 'request', 'response'];
const PAUSE_MS = 50, SLOW_PAUSE_MS = 150;	// between messages, at least
const BURST = 2;		// messages of each session as a fault begins
const KILL_BURST = 5;		// to and from each on a hub before it dies,
const KILL_MS = 10;		// at most so much later
const AWAY_MS = 5000;
const LONG = 340000;		// characters of six bytes each: 2 MB
const PART = 700000;		// bytes after which a cable is cut
const PART_MS = 10000;
const NOTICED_MS = 60000;	// that a cable is out: keepalive, 45 s
const SHORT_ASK_MS = 5000;
const SLOW_TBF = ['tbf', 'rate', '8mbit', 'burst', '16k', 'latency', '500ms'];
const SLOW_NETEM = ['netem', 'delay', '5ms', 'rate', '8mbit'];

// Seeded; mulberry32.
class Random {
	constructor(seed)
	{
		this.state = seed;
	}

	below(n)
	{
		let t = this.state = (this.state + 0x6d2b79f5) | 0;

		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) % n;
	}

	between(from, to)
	{
		return from + this.below(to - from + 1);
	}

	pick(list)
	{
		return list[this.below(list.length)];
	}

	shuffled(list)
	{
		const rest = [...list];

		return list.map(() =>
		    rest.splice(this.below(rest.length), 1)[0]);
	}
}

// Statements of hubd.conf: who is listened to, and who is called where.
function lan(host, peers)
{
	return [`lan listen on ${host.address} port ${PORT}`,
	    ...peers.map(({ id, address }) =>
		`lan peer "${id}" host ${address} port ${PORT}`)];
}

// Three hubs that all know each other, and sessions that never stop talking.
class Mesh {
	constructor(lab, seed)
	{
		this.lab = lab;
		this.hosts = lab.hosts;
		this.random = new Random(seed);
		this.sessions = this.hosts.flatMap(host =>
		    NAMES.map(name => new Session(host, name)));
		this.pause = PAUSE_MS;
		this.talking = true;
		this.mute = new Set();		// pairs of hosts' ids
	}

	async start()
	{
		await this.lab.wire(randomBytes(16).toString('hex'));
		this.spoils = await this.lab.firstOf(['netem', 'delay', '20ms'],
		    SLOW_TBF);
		if (this.spoils !== 'netem')
			console.log('mesh.mjs: the kernel has no netem: ' +
			    (this.spoils ? 'cables are only made slow, by tbf' :
			    'cables are good or out'));
		for (const host of this.hosts) {
			host.configure(lan(host, this.hosts.filter(
			    h => h !== host)));
		}
		await Promise.all(this.hosts.map(host => host.start()));
		await Promise.all(this.sessions.map(s => s.join()));
		await allKnown(this.hosts, this.sessions);
	}

	on(host)
	{
		return this.sessions.filter(s => s.host === host);
	}

	pickTwo()
	{
		return this.random.shuffled(this.hosts).slice(0, 2);
	}

	pause_ms(from, to)
	{
		return sleep(this.random.between(from, to));
	}

	// Short ones, and some as long as a page of code.
	text(sender)
	{
		const { random } = this;
		const length = random.pick([10, 20, 40, 80, 160, 300, 600,
		    random.between(1000, 20000)]);
		const filler = random.pick(['abc ', '"\\\n\t', '\u00fc\u20ac',
		    '\u{1f600}', '\u2028\u001fx']);

		return `${sender.sent.length} of ${sender.name} on ` +
		    `${sender.host.id}, ${random.below(0xffffffff)} ` +
		    filler.repeat(length / filler.length);
	}

	talk(sender, receiver)
	{
		const { random } = this, options = {};
		const to = receiver.host !== sender.host || random.below(2) ?
		    `${receiver.name}@${receiver.host.id}` : receiver.name;

		if (random.below(2))
			options.kind = random.pick(KINDS);
		if (random.below(4) === 0)
			options.urgent = true;
		if (random.below(4) === 0)
			options.reply_to = `some-${random.below(1000)}`;
		return sender.send(receiver, to, this.text(sender), options);
	}

	talkToAny(sender)
	{
		const quiet = r => this.mute.has(`${sender.host.id} ` +
		    `${r.host.id}`);

		this.talk(sender, this.random.pick(this.sessions.filter(r =>
		    r !== sender && !quiet(r))));
	}

	async chatter()
	{
		while (this.talking) {
			this.talkToAny(this.random.pick(this.sessions.filter(
			    s => s.wanted)));
			await this.pause_ms(this.pause, 3 * this.pause);
		}
	}

	burst()
	{
		for (let i = 0; i < BURST; i++) {
			for (const sender of this.sessions.filter(
			    s => s.wanted))
				this.talkToAny(sender);
		}
	}

	async spoil()
	{
		const { random } = this;
		const delay = random.between(20, 200);

		for (const host of this.hosts) {
			if (this.spoils === 'netem')
				await host.shape('netem', 'delay', `${delay}ms`,
				    `${delay / 2}ms`, 'loss',
				    `${random.between(5, 20)}%`, 'reorder',
				    '10%', 'duplicate', '5%');
			else if (this.spoils === 'tbf')
				await host.shape('tbf', 'rate',
				    `${random.between(200, 1000)}kbit`,
				    'burst', '5k', 'limit', '10k');
		}
	}

	async repair()
	{
		for (const host of this.hosts) {
			await host.plug();
			await host.unshape();
		}
	}

	// What is killed has something to do.
	async work(host)
	{
		for (let i = 0; i < KILL_BURST; i++) {
			for (const session of this.on(host)) {
				if (session.wanted)
					this.talkToAny(session);
				this.talk(this.random.pick(this.sessions.filter(
				    s => s.wanted && s !== session)), session);
			}
		}
		if (this.random.below(2))
			await this.pause_ms(0, KILL_MS);
	}

	async killBridged(host)
	{
		const before = await host.pids('bridged');

		assert.ok(before.length > 0, `no bridged on ${host.id}`);
		await host.kill('bridged', () => this.work(host));
		await until(`${host.id} has a new bridged`, async () =>
		    (await host.pids('bridged')).some(pid =>
		    !before.includes(pid)));
	}

	async killHub(host)
	{
		await host.kill(null, () => this.work(host));
		await this.pause_ms(100, 1000);
		await host.start();
	}
}

const faults = {
	'a cable is out': async mesh => {
		const [host] = mesh.pickTwo();

		await host.pull(mesh.random.below(2));
		await mesh.pause_ms(500, 3000);
		await host.plug();
	},

	'two cables are out': async mesh => {
		const [a, b] = mesh.pickTwo();

		await Promise.all([a.pull(0), b.pull(1)]);
		await mesh.pause_ms(500, 3000);
		await Promise.all([a.plug(), b.plug()]);
	},

	'a plug is loose': async mesh => {
		const [host] = mesh.pickTwo();

		for (let i = 0; i < 6; i++) {
			await host.pull(mesh.random.below(2));
			await mesh.pause_ms(20, 300);
			await host.plug();
			await mesh.pause_ms(20, 300);
		}
	},

	'cables are bad': async mesh => {
		await mesh.spoil();
		await mesh.pause_ms(3000, 4000);
		await mesh.repair();
	},

	'bridged is killed': async mesh => {
		const [host] = mesh.pickTwo();

		await mesh.killBridged(host);
	},

	// The other side finds a link that is half dead.
	'bridged is killed behind a cable that is out': async mesh => {
		const [host] = mesh.pickTwo();

		await host.pull(mesh.random.below(2));
		await mesh.killBridged(host);
		await mesh.pause_ms(100, 1000);
		await host.plug();
	},

	'a hub is killed': async mesh => {
		const [host] = mesh.pickTwo();

		await mesh.killHub(host);
	},

	'a hub is killed, and the cable of another is out': async mesh => {
		const [a, b] = mesh.pickTwo();

		await b.pull(mesh.random.below(2));
		await mesh.killHub(a);
		await mesh.pause_ms(100, 1000);
		await b.plug();
	},
};

function longText()
{
	const block = Array.from(randomBytes(64), byte =>
	    String.fromCharCode(0x20ac + byte)).join('');

	return block.repeat(Math.ceil(LONG / block.length)).slice(0, LONG);
}

// The link is known to be there when this is called.
async function cutInMidText(mesh)
{
	const [a, b] = mesh.pickTwo();
	const [sender, receiver] = [a, b].map(host =>
	    mesh.random.pick(mesh.on(host)));
	const slow = { netem: SLOW_NETEM, tbf: SLOW_TBF }[mesh.spoils];

	if (slow)
		await a.shape(...slow);
	const before = await a.carried();

	sender.send(receiver, `${receiver.name}@${b.id}`, longText(),
	    { escaped: true });
	await until('a part is on its way', async () =>
	    await a.carried() - before > PART, PART_MS);
	const part = await a.carried() - before;

	await a.pull(1);
	console.log(`mesh.mjs: cut after ${part} bytes of a long text`);
	await mesh.pause_ms(1000, 2500);
	await a.plug();
	await a.unshape();
}

// One session is away for a while; meanwhile each hub has something for it.
async function absence(mesh)
{
	const { random } = mesh;

	await mesh.pause_ms(1000, 4000);
	const away = random.pick(mesh.sessions.filter(s =>
	    s.name !== NAMES[0]));

	await away.leave();
	for (const host of mesh.hosts)
		mesh.talk(mesh.on(host)[0], away);
	await sleep(AWAY_MS);
	for (const host of mesh.hosts)
		mesh.talk(mesh.on(host)[0], away);
	await away.join();
	while (!await away.readInbox())
		await until('it is back', () => away.registered);
}

// A cable that is out for long is noticed on both ends of each link, with
// traffic (alpha) and without any (beta), and questions do not hang.
async function longCut(mesh)
{
	const [alpha, beta, gamma] = mesh.hosts;
	const [one, two] = mesh.on(alpha);
	const [farOne, farTwo] = mesh.on(gamma);

	mesh.pause = SLOW_PAUSE_MS;
	mesh.mute.add('beta gamma').add('gamma beta');
	await allKnown(mesh.hosts, mesh.sessions);
	await gamma.pull(1);
	const begin = Date.now();
	const took = () => `${Math.round((Date.now() - begin) / 100) / 10} s`;
	const asks = async (session, target, options, ms) => {
		const late = sleep(ms, { code: 'no answer' }, { ref: false });
		const end = await Promise.race([late,
		    session.ask(`${target.name}@gamma`, 'and now?', options)]);

		console.log(`mesh.mjs: cable out, ask: ${end.code}, ${took()}`);
		assert.ok(['peer_gone', 'timeout'].includes(end.code),
		    `an ask behind a cable that is out: ${end.code}`);
	};
	const forgets = async (host, other) => {
		await until(`${host.id} notices that ${other.id} is gone`,
		    async () => {
			const names = await mesh.on(host)[0].names();

			return names.length > 0 && !names.some(name =>
			    name.endsWith(`@${other.id}`));
		    }, NOTICED_MS);
		console.log(`mesh.mjs: cable out, ${host.id} has noticed ` +
		    `that ${other.id} is gone, ${took()}`);
	};

	await Promise.all([
	    asks(one, farOne, { timeout_ms: SHORT_ASK_MS }, 2 * SHORT_ASK_MS),
	    asks(two, farTwo, {}, NOTICED_MS),
	    forgets(alpha, gamma), forgets(gamma, alpha),
	    forgets(beta, gamma), forgets(gamma, beta)]);
	mesh.mute.clear();
	mesh.burst();
	await gamma.plug();
}

const cases = {};

cases['three hubs, and cables and processes that fail'] = async use => {
	const seed = Number(process.env.ECORELAY_TEST_SEED ??
	    randomBytes(4).readUInt32LE());
	const lab = new Lab('alpha', 'beta', 'gamma');

	use(lab);
	console.log(`mesh.mjs: ECORELAY_TEST_SEED=${seed}`);
	const mesh = new Mesh(lab, seed), { hosts, sessions } = mesh;

	await mesh.start();
	const chatter = mesh.chatter();

	await cutInMidText(mesh);
	const away = absence(mesh);

	for (const name of mesh.random.shuffled(Object.keys(faults))) {
		console.log(`mesh.mjs: ${name}`);
		mesh.burst();
		await faults[name](mesh);
		await mesh.pause_ms(100, 1000);
	}
	await away;
	await longCut(mesh);
	mesh.talking = false;
	await chatter;
	await mesh.repair();
	await Promise.all([settle(sessions, WAIT_MS),
	    allKnown(hosts, sessions)]);
	await checkAll(sessions);
	await Promise.all(hosts.map(host => askAll(sessions,
	    mesh.on(host)[0])));
	for (const host of hosts)
		await broadcast(sessions, mesh.on(host)[1]);
	await stopAll(lab, sessions);
	const sent = sessions.flatMap(s => s.sent);

	for (const host of hosts)
		assert.ok(!sent.some(m => host.logged().includes(
		    m.text.slice(0, 40))), `a text in the log of ${host.id}`);
	console.log(`mesh.mjs: ${sent.length} messages, ` +
	    `${sent.reduce((n, m) => n + m.writes, 0)} times sent; sessions ` +
	    `were cut off ${sessions.reduce((n, s) => n + s.drops, 0)} times`);
};

// A proxy in a namespace, as proxy.mjs has it.
async function proxy(host, to)
{
	const file = fileURLToPath(new URL('proxy.mjs', import.meta.url));
	const child = host.spawn([process.execPath, file, host.address,
	    `${PORT}`, to.address, `${PORT}`, host.dir],
	    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });

	await once(child, 'message');
	return child;
}

function recordedIn(dir)
{
	return fs.readdirSync(dir).filter(name => name.startsWith('wire.'))
	    .sort().map(name => fs.readFileSync(`${dir}/${name}`));
}

cases['nothing can be read on the wire, and a cut there loses nothing'] =
    async use => {
	const lab = new Lab('alpha', 'beta', 'wire');
	const [alpha, beta, wire] = lab.hosts;
	const word = what => `${what}-${randomBytes(6).toString('hex')}`;
	const secret = word('secret');
	const sessions = [alpha, beta].map(host => new Session(host,
	    word('name'), { cwd: `/${word('cwd')}/x`,
	    git_branch: word('branch') }));
	const [a, b] = sessions;
	const words = [secret, ...sessions.flatMap(s =>
	    [s.name, s.cwd.slice(1, -2), s.git_branch])];
	const say = (from, to, rest = '', options = {}) => {
		words.push(word('text'));
		from.send(to, to.nameFrom(from.host),
		    `${words.at(-1)} ${rest}`, options);
	};

	checkSearch();
	use(lab);
	await lab.wire(secret);
	const tap = await proxy(wire, alpha);

	// alpha is called only, beta calls only: all of it is on the wire
	alpha.configure(lan(alpha, []));
	beta.configure([`lan peer "alpha" host ${wire.address} port ${PORT}`]);
	await Promise.all([alpha.start(), beta.start()]);
	await Promise.all(sessions.map(s => s.join()));
	await allKnown([alpha, beta], sessions);
	for (let i = 0; i < 20; i++) {
		say(a, b, '.'.repeat(i * 100));
		say(b, a, '.'.repeat(i * 100));
	}
	words.push(word('question'));
	assert.equal((await a.ask(b.nameFrom(alpha), words.at(-1))).text,
	    `answer to ${words.at(-1)}`);
	await settle(sessions, WAIT_MS);
	for (const [from, to] of [[a, b], [b, a]]) {
		tap.send({ cut: PART });
		const cut = once(tap, 'message');

		say(from, to, longText(), { escaped: true });
		say(from, to, 'behind it');
		await cut;
		await settle(sessions, WAIT_MS);
		await allKnown([alpha, beta], sessions);
	}
	await checkAll(sessions);
	await stopAll(lab, sessions);
	const recorded = recordedIn(wire.dir);
	const total = recorded.reduce((n, bytes) => n + bytes.length, 0);

	assert.ok(recorded.length >= 6, `${recorded.length / 2} connections`);
	assert.ok(total > 4 * LONG * 2, `only ${total} bytes`);
	console.log(`mesh.mjs: ${total} bytes on the wire, ${words.length} ` +
	    'words in none of them');
	for (const text of [...words, 'bridge_hello', 'bridge_forward',
	    'incoming_message', 'answer to'])
		assert.ok(!found(recorded, text), `${text} is on the wire`);
	for (const host of [alpha, beta])
		assert.ok(!found([Buffer.from(host.logged())], secret),
		    `the secret is in the log of ${host.id}`);
};

await run('mesh.mjs', cases);
