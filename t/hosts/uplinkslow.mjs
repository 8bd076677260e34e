// SPDX-License-Identifier: ISC
// Hubs whose relay reads them slowly: what is long on its way ends no sealed
// session, comes once, and does not hold up what goes to others.

import assert from 'node:assert/strict';

import { run, until } from './relay.mjs';
import { RealRelay, Site } from './uplinknode.mjs';

const BYTES = 65536;		// that the relay reads in a second
const LENGTH = 500000;		// of a text, of which each byte becomes eight
const cases = {};

// Longer than any session may be silent.
cases['a message that takes a minute'] = async () => {
	const relay = await new RealRelay().start(
	    `limit bytes ${BYTES} per second\n`);
	const [alpha, beta, gamma] = ['alpha', 'beta', 'gamma'].map(id =>
	    new Site(id));

	for (const s of [alpha, beta, gamma])
		await s.start(s.relay(relay.url));
	const ann = await alpha.session('ann');
	const bob = await beta.session('bob');
	const gil = await gamma.session('gil');

	await alpha.sees(ann, 'bob@beta', 'gil@gamma');
	await beta.sees(bob, 'ann@alpha', 'gil@gamma');
	const text = '\u0001'.repeat(LENGTH);
	const long = await ann.call('relay_send', { to: 'bob@beta', text });
	const came = () => bob.pushes.some(p =>
	    p.meta.msg_id === long.msg_id);
	const short = await ann.call('relay_send', { to: 'gil@gamma',
	    text: 'short' });

	await gil.push({ msg_id: short.msg_id });
	assert.ok(!came(), 'the long one did not take long');
	// and back, while it is on its way
	const back = await bob.call('relay_send', { to: 'ann@alpha',
	    text: 'back' });

	await ann.push({ msg_id: back.msg_id });
	// until() gives up too soon
	for (let i = 0; i < 3 && !came(); i++)
		await until('it comes', came).catch(() => {});
	assert.ok(came(), 'it has not come');
	await until('it is acknowledged', async () =>
	    (await alpha.links()).every(l => l.queued === 0));
	for (const s of [alpha, beta, gamma])
		assert.doesNotMatch(s.said(), /link to .* is down/);
	assert.equal(bob.pushes.length, 1);
	await Promise.all([alpha, beta, gamma].map(s => s.end()));
	await relay.stop();
};

await run('uplinkslow.mjs', cases);
