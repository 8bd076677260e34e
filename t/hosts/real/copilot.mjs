// SPDX-License-Identifier: ISC
// GitHub Copilot CLI in a terminal, with our extension.

import path from 'node:path';
import { boss, makeHome, midTurn, openTerminal, play, shareInto, until, woken }
    from './stage.mjs';

const home = makeHome('copilot');
const to = path.join(home, '.copilot/extensions/ecorelay');

shareInto([['copilot/extension.mjs', `${to}/extension.mjs`],
    ['lib/relay.mjs', `${to}/relay.mjs`]]);
const terminal = openTerminal('copilot', ['--experimental',
    '--allow-all-tools']);

await play('copilot.mjs', {
	'the directory is trusted': async () => {
		await until('it asks', () =>
		    /Do you trust/.test(terminal.screen()));
		terminal.press('Enter');
	},
	...woken(boss, 'copilot-work', { joins: false }),
	'an urgent message joins the turn': () => midTurn(boss, 'copilot-work',
	    'step', true, { urgent: true }),
});
