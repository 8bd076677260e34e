// SPDX-License-Identifier: ISC
// Services that root starts, with the command lines of the system's units:
// their processes are _ecorelay's and see an empty directory, and whoever has
// taken one of them over cannot have root's process touch what is root's.
// For privsep.sh.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

import { build, run, until } from './lab.mjs';
import { Assistant } from './mcp.mjs';

const EMPTY = process.env.EMPTYDIR, DATA = '/var/lib/ecorelay';
const ETC = '/etc/ecorelay', VICTIM = '/var/lib/victim';
const OTHER = 64123;			// a user who has no name
const execute = promisify(execFile);
const id = (...args) => Number(execFileSync('id', args));
const UID = id('-u', '_ecorelay'), GID = id('-g', '_ecorelay');
const GROUP = Number(execFileSync('getent', ['group', 'ecorelay'])
    .toString().split(':')[2]);
const AS_SERVICE = ['setpriv', '--reuid=_ecorelay', '--regid=_ecorelay',
    '--clear-groups', '--no-new-privs'];

// What a system's unit says of a name, as systemd would read it.
function unit(name, key)
{
	const file = `${build}/etc/systemd/ecorelay-${name}.service.in`;

	return fs.readFileSync(file, 'utf8').split('\n').filter(line =>
	    line.startsWith(`${key}=`)).map(line => line.slice(key.length + 1)
	    .replaceAll('@sbindir@/', '').replaceAll('@sysconfdir@', '/etc')
	    .replaceAll('%S', '/var/lib').replaceAll('%t', '/run'));
}

function listens(file)
{
	return new Promise(resolve => {
		const socket = net.connect(file);

		socket.once('error', () => resolve(false));
		socket.once('connect', () => {
			socket.destroy();
			resolve(true);
		});
	});
}

// A daemon as a unit starts it.
class Service {
	constructor(machine, name, { as = [], env = {} } = {})
	{
		const [program, ...args] = unit(name, 'ExecStart')[0]
		    .split(' ');

		this.name = name;
		this.log = '';
		this.child = spawn([...as, `${build}/${program}/${program}`][0],
		    [...as, `${build}/${program}/${program}`, ...args].slice(1),
		    { env: { ...machine.env(), ...env }, cwd: '/',
		    stdio: ['ignore', 'ignore', 'pipe'] });
		this.child.stderr.on('data', data => { this.log += data; });
		this.ended = new Promise(resolve => this.child.once('close',
		    (code, signal) => {
			this.status = signal ?? code;
			resolve(this.status);
		}));
		machine.services.push(this);
	}

	async stop()
	{
		this.child.kill('SIGTERM');
		assert.equal(await this.ended, 0, `how ${this.name} ended`);
	}

	// Those that it has started, by their pids.
	children()
	{
		const file = `/proc/${this.child.pid}/task/` +
		    `${this.child.pid}/children`;

		return fs.readFileSync(file, 'utf8').trim().split(' ')
		    .map(Number);
	}
}

// The machine: its configuration, as the examples have it, and what runs.
class Machine {
	constructor(use)
	{
		this.services = [];
		this.dir = '/run';
		fs.mkdirSync('/run/ecorelay', { mode: 0o755, recursive: true });
		for (const dir of [DATA, VICTIM, ETC])
			fs.rmSync(dir, { recursive: true, force: true });
		fs.mkdirSync(ETC, { mode: 0o755 });
		use(this);
	}

	// The relay's files are as relay-setup makes them.  Without a socket
	// of its own the hub has it in the data directory.
	async configure(want = /^#(data |listen on socket |lan )/)
	{
		const example = fs.readFileSync(
		    `${build}/etc/ecorelay/hubd.conf`, 'utf8');

		await execute(`${build}/etc/relay-setup`, ['localhost']);
		fs.writeFileSync(`${ETC}/lan.secret`, 'a long secret\n',
		    { mode: 0o600 });
		fs.writeFileSync(`${ETC}/hubd.conf`, example.split('\n')
		    .map(line => want.test(line) ? line.slice(1) : line)
		    .join('\n') + `relay "wss://localhost" token file ` +
		    `"${ETC}/relay.secret" ca file "${ETC}/relay.pem"\n`);
	}

	// What a session has to know of the machine's hub.
	clientEnv({ RELAY_HUB_SOCKET } = this.env())
	{
		return { PATH: process.env.PATH, HOME: '/run',
		    RELAY_HUB_SOCKET };
	}

	env()
	{
		const units = unit('hubd', 'Environment').map(text =>
		    text.split('='));

		return { PATH: process.env.PATH, HOME: '/run',
		    ...Object.fromEntries(units) };
	}

	spawn(command, options)
	{
		return spawn(command[0], command.slice(1), options);
	}

	async hub(options = {})
	{
		const service = new Service(this, 'hubd', options);
		const { RELAY_HUB_SOCKET } = { ...this.env(), ...options.env };

		await until('hubd serves, or has ended', async () =>
		    service.status !== undefined ||
		    listens(RELAY_HUB_SOCKET));
		if (!options.mayEnd)
			assert.equal(service.status, undefined, 'hubd ended');
		return service;
	}

	async hubctl(env, ...args)
	{
		const { stdout } = await execute(`${build}/hubctl/hubctl`,
		    ['-j', ...args], { env: { ...this.env(), ...env } });

		return JSON.parse(stdout);
	}

	logs()
	{
		return this.services.map(s => `---- ${s.name}\n${s.log}`)
		    .join('\n');
	}

	complained()
	{
		return '';
	}

	async remove()
	{
		for (const { child, status, ended } of this.services) {
			if (status !== undefined)
				continue;
			child.kill('SIGKILL');
			await ended;
		}
		await until('no process is left', () =>
		    fs.readdirSync('/proc').filter(pid => /^\d+$/.test(pid) &&
		    /^(hubd|relayd|bridged)$/.test(command(pid))).length === 0);
	}
}

function command(pid)
{
	try {
		return path.basename(fs.readlinkSync(`/proc/${pid}/exe`));
	} catch {
		return '';
	}
}

// A line of /proc/PID/status, as words.
function status(pid, key)
{
	const line = fs.readFileSync(`/proc/${pid}/status`, 'utf8').split('\n')
	    .find(text => text.startsWith(`${key}:`));

	return line.slice(key.length + 1).trim().split(/\s+/);
}

// That process has given up root, and sees that directory only.
function checkDropped(pid, root)
{
	const ids = n => Array(4).fill(String(n));

	assert.deepEqual(status(pid, 'Uid'), ids(UID), `users of ${pid}`);
	assert.deepEqual(status(pid, 'Gid'), ids(GID), `groups of ${pid}`);
	assert.deepEqual(status(pid, 'Groups'), [String(GID)]);
	for (const set of ['CapEff', 'CapPrm', 'CapAmb'])
		assert.match(status(pid, set)[0], /^0+$/, `${set} of ${pid}`);
	assert.equal(fs.readlinkSync(`/proc/${pid}/root`), root);
	assert.equal(fs.readlinkSync(`/proc/${pid}/cwd`), root);
	if (root !== EMPTY)
		return;
	const { uid, mode } = fs.statSync(`/proc/${pid}/root/`);

	assert.deepEqual([uid, mode & 0o22], [0, 0], 'of the empty directory');
	assert.deepEqual(fs.readdirSync(`/proc/${pid}/root/`), []);
}

const cases = {};
const roots = { router: EMPTY, store: DATA, bridged: EMPTY, uplink: EMPTY,
    resolver: '/' };

cases['all but the parents give up root'] = async use => {
	const machine = new Machine(use);

	await machine.configure();
	const relay = new Service(machine, 'relayd');

	await until('relayd serves', () => relay.log.includes('serves'));
	const hub = await machine.hub();
	const list = await until('all are ready', async () => {
		const { processes } = await machine.hubctl({}, 'show',
		    'processes');

		return processes.length === 6 && processes.every(p =>
		    p.ready) && processes;
	});

	for (const p of list) {
		const parent = p.process === 'parent';

		assert.deepEqual([p.user, p.root], parent ? ['root', '/'] :
		    ['_ecorelay', roots[p.process]], p.process);
		if (!parent)
			checkDropped(p.pid, roots[p.process]);
	}
	assert.deepEqual(hub.children().sort(), list.map(p => p.pid).filter(
	    pid => pid !== hub.child.pid).sort());
	assert.deepEqual(status(hub.child.pid, 'Uid'), Array(4).fill('0'));
	const [router, ...none] = relay.children();

	checkDropped(router, EMPTY);
	assert.deepEqual(none, []);
	await until('the hub is at the relay', () =>
	    /relay wss:\/\/localhost: connected/.test(hub.log));

	// a file that root alone can read is read again
	relay.child.kill('SIGHUP');
	await until('the certificate is read again', () =>
	    relay.log.includes('the certificate has been read'));
	await hub.stop();
	await relay.stop();
};

// Sessions of users who are in the group, or not.
class Member extends Assistant {
	constructor(machine, name, group)
	{
		super({ env: () => machine.clientEnv(), dir: '/', spawn: (args,
		    options) => machine.spawn(['setpriv', `--reuid=${OTHER}`,
		    `--regid=${OTHER}`, `--groups=${group}`, ...args],
		    options) }, name);
	}
}

cases['members of the group talk'] = async use => {
	const machine = new Machine(use);

	await machine.configure();
	const hub = await machine.hub();
	const [ann, bob] = ['ann', 'bob'].map(name => new Member(machine,
	    name, GROUP));

	await ann.start();
	await bob.start();
	await until('bob is there', async () => (await ann.call('relay_peers'))
	    .peers.some(p => p.name === 'bob'));
	const sent = await ann.call('relay_send', { to: 'bob',
	    text: 'hello' });
	const { content, meta } = await bob.pushed({ msg_id: sent.msg_id });

	assert.deepEqual([content, meta.from], ['hello', 'ann']);
	await ann.end();
	await bob.end();
	const { mode, gid } = fs.statSync('/run/ecorelay/hub.sock');

	assert.deepEqual([mode & 0o777, gid], [0o660, GROUP]);
	await assert.rejects(execute('setpriv', [`--reuid=${OTHER}`,
	    `--regid=${OTHER}`, '--clear-groups', `${build}/hubctl/hubctl`,
	    'show', 'peers'], { env: machine.env() }));
	await hub.stop();
	assert.deepEqual(fs.readdirSync('/run/ecorelay'), []);
};

// A session of that name has been there.
async function meet(machine, env, name)
{
	const session = new Assistant({ dir: '/', spawn: machine.spawn,
	    env: () => machine.clientEnv(env) }, name);

	await session.start();
	await session.end();
}

cases['the service manager starts it the next time'] = async use => {
	const machine = new Machine(use);
	// another one is handed to it by its unit
	const env = { RELAY_HUB_SOCKET: `${DATA}/hub.sock` };
	const starts = [[], AS_SERVICE, [], AS_SERVICE];
	let key;

	await machine.configure(/^#(data |lan )/);
	for (const file of ['lan.secret', 'relay.secret'])
		fs.chownSync(`${ETC}/${file}`, UID, GID);
	for (const [i, as] of starts.entries()) {
		const hub = await machine.hub({ as, env });

		if (i === 0)
			await meet(machine, env, 'carol');
		await machine.hubctl(env, 'send', 'carol', `number ${i}`);
		const { keys } = await until('it has its key', async () => {
			const got = await machine.hubctl(env, 'show', 'keys');

			return got.keys.length > 0 && got;
		});

		key ??= keys[0].key;
		assert.equal(keys[0].key, key, 'the key of the hub');
		await hub.stop();
		for (const name of fs.readdirSync(DATA)) {
			const { uid } = fs.lstatSync(path.join(DATA, name));

			assert.equal(uid, UID, `whose ${name} is`);
		}
		assert.equal(fs.statSync(DATA).mode & 0o777, 0o700);
	}
	const hub = await machine.hub({ env });
	const { messages } = await machine.hubctl(env, 'inbox', 'carol');

	assert.deepEqual(messages.map(m => m.text), starts.map((_, i) =>
	    `number ${i}`));
	await hub.stop();
};

// A directory, and what must be said of it.
async function refused(machine, pattern)
{
	const hub = await machine.hub({ mayEnd: true });

	assert.equal(hub.status, 1, 'how hubd ended');
	assert.match(hub.log, pattern);
}

cases['directories that it does not take'] = async use => {
	const machine = new Machine(use);

	await machine.configure();
	fs.mkdirSync(DATA);
	fs.chownSync(DATA, OTHER, OTHER);
	await refused(machine, /belongs to the user number 64123, not to/);
	fs.chownSync(DATA, 0, 0);
	fs.writeFileSync(`${DATA}/passwd`, '');
	await refused(machine, /has something else in it/);
	const { uid, mode } = fs.statSync(DATA);

	assert.deepEqual([uid, mode & 0o777, fs.readdirSync(DATA)],
	    [0, 0o755, ['passwd']]);
	fs.rmSync(DATA, { recursive: true });

	fs.chmodSync(EMPTY, 0o777);
	await refused(machine, /nobody else may write to it/);
	fs.chmodSync(EMPTY, 0o755);
	fs.chownSync(EMPTY, UID, GID);
	await refused(machine, /must belong to root/);
	fs.chownSync(EMPTY, 0, 0);
	fs.writeFileSync(`${EMPTY}/file`, '');
	await refused(machine, /must be empty/);
	fs.rmSync(`${EMPTY}/file`);
	await (await machine.hub()).stop();
};

// What a store that somebody has taken over could leave in its directory.
const SECRET = 'd'.repeat(64);
const traps = {
	'a symbolic link': (file, to) => fs.symlinkSync(to, file),
	'a hard link': (file, to) => fs.linkSync(to, file),
	'a pipe': file => execFileSync('mkfifo', [file]),
};

async function spring(machine, name, trap)
{
	// so that the sockets are in the same directory
	const env = { RELAY_HUB_SOCKET: `${DATA}/hub.sock` };
	const victim = `${VICTIM}/file`, planted = path.join(DATA, name);

	for (const dir of [DATA, VICTIM])
		fs.rmSync(dir, { recursive: true, force: true });
	fs.mkdirSync(VICTIM, { mode: 0o755 });
	fs.writeFileSync(victim, SECRET, { mode: 0o644 });
	fs.mkdirSync(DATA, { mode: 0o700 });
	traps[trap](planted, victim);
	fs.chownSync(DATA, UID, GID);
	const before = fs.statSync(victim);
	const hub = await machine.hub({ env, mayEnd: true });

	// without its database it may have ended, or not end well
	hub.child.kill();
	await hub.ended;
	const after = fs.statSync(victim), what = `${name}, ${trap}`;

	for (const key of ['uid', 'gid', 'mode', 'mtimeMs', 'size'])
		assert.equal(after[key], before[key], `${key} after ${what}`);
	// whatever is in use is not the victim
	const { ino } = fs.statSync(planted, { throwIfNoEntry: false }) ?? {};

	assert.ok(ino !== after.ino || hub.log.includes(name),
	    `nothing is said of ${what}`);
}

cases['nothing is given away by links'] = async use => {
	const machine = new Machine(use);

	await machine.configure();
	for (const name of ['hub.lock', 'hub-key', 'hub-ws-token',
	    'relays.json', 'bridge.json', 'relay.db', 'hub.sock',
	    'hubctl.sock']) {
		for (const trap of Object.keys(traps)) {
			// the store waits at the other end
			if (name !== 'relay.db' || trap !== 'a pipe')
				await spring(machine, name, trap);
		}
	}
};

cases['a file of root\'s is no certificate'] = async use => {
	const machine = new Machine(use), file = `${VICTIM}/file`;

	await machine.configure();
	fs.mkdirSync(VICTIM, { mode: 0o700 });
	fs.writeFileSync(file, SECRET, { mode: 0o600 });
	const hub = await machine.hub();

	await assert.rejects(machine.hubctl({}, 'join', '-f', file,
	    'wss://localhost:1', 'A'.repeat(16)), /no CA certificates/);
	assert.match(hub.log, /file: there is no certificate in it/);
	await hub.stop();
};

cases['nothing is imported from elsewhere'] = async use => {
	const machine = new Machine(use);
	const box = name => JSON.stringify({ owner: name, messages: [{
	    msg_id: 'm-1', from: 'ann', text: 'secret',
	    ts: '2026-01-01T00:00:00.000Z' }] });
	const put = (file, name) => fs.writeFileSync(file, box(name));

	await machine.configure();
	fs.mkdirSync(VICTIM, { mode: 0o755 });
	put(`${VICTIM}/a.json`, 'victim');
	fs.mkdirSync(`${DATA}/mailboxes`, { mode: 0o700, recursive: true });
	put(`${DATA}/mailboxes/good.json`, 'good');
	fs.linkSync(`${VICTIM}/a.json`, `${DATA}/mailboxes/hard.json`);
	fs.symlinkSync(`${VICTIM}/a.json`, `${DATA}/mailboxes/soft.json`);
	fs.symlinkSync(VICTIM, `${DATA}/groups`);
	for (const dir of [DATA, `${DATA}/mailboxes`])
		fs.chownSync(dir, UID, GID);
	fs.chownSync(`${DATA}/mailboxes/good.json`, UID, GID);
	const hub = await machine.hub();
	const { mailboxes } = await machine.hubctl({}, 'show', 'mailboxes');

	assert.deepEqual(mailboxes.map(m => m.name), ['good']);
	assert.match(hub.log, /hard.json: not imported/);
	assert.match(hub.log, /soft.json: not imported/);
	assert.match(hub.log, /groups: not imported/);
	await hub.stop();

	fs.rmSync(DATA, { recursive: true });
	fs.mkdirSync(DATA, { mode: 0o700 });
	fs.symlinkSync(VICTIM, `${DATA}/mailboxes`);
	fs.chownSync(DATA, UID, GID);
	const again = await machine.hub();

	assert.deepEqual((await machine.hubctl({}, 'show', 'mailboxes'))
	    .mailboxes, []);
	await again.stop();
};

await run('privsep.mjs', cases);
