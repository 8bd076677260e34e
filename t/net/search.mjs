// SPDX-License-Identifier: ISC
// Looks for words in bytes, however they are written there.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

// A text as it is, in hex, and in base64 whatever is in front of it.
function disguises(text)
{
	const bytes = Buffer.from(text);
	const hex = bytes.toString('hex');
	const base64 = [0, 1, 2].flatMap(n => {
		const all = Buffer.concat([Buffer.alloc(n), bytes]);
		// only what depends on nothing but the text
		const inner = all.toString('base64').slice(n && n + 1,
		    Math.floor(all.length * 4 / 3));

		return [inner, inner.replace(/\+/g, '-').replace(/\//g, '_')];
	});

	return [text, hex, hex.toUpperCase(), ...base64];
}

export function found(recorded, text)
{
	return disguises(text).some(form =>
	    recorded.some(bytes => bytes.includes(form)));
}

export function checkSearch()
{
	const word = 'cwd-1f8b';

	for (const front of ['', 'x', 'xy', 'xyz']) {
		const text = Buffer.from(`${front}${word} behind it`);

		for (const form of ['latin1', 'base64', 'base64url', 'hex'])
			assert.ok(found([Buffer.from(`"${text.toString(
			    form)}"`)], word), `${form} after "${front}"`);
	}
	assert.ok(!found([randomBytes(1000000)], word));
}
