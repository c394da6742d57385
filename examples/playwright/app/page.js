import { Console, ConsoleError } from './console.js';
import { Session } from './session.js';

const main = element('main');

start().catch(problem =>
  main.replaceChildren(complaint('You cannot be signed in', problem, 'Try again', () => location.assign(location.pathname))),
);

async function start() {
  const session = new Session(await (await fetch('/config.json')).json());
  const person = await session.person();
  if (!person) return;
  element('person').textContent = `Signed in as ${person.name ?? person.sub}`;
  const application = new URLSearchParams(location.search).get('application') ?? 'checkout';
  await show(application, session, new Console(session));
}

/**
 * @param {string} application
 * @param {Session} session
 * @param {Console} conduktor
 */
async function show(application, session, conduktor) {
  const again = () => show(application, session, conduktor);
  try {
    const clusters = await conduktor.topics(application);
    main.replaceChildren(
      node('h1', `Topics of ${application}`),
      button('Reload', again),
      ...clusters.flatMap(({ cluster, topics }) => [node('h2', cluster), table(cluster, topics)]),
      form(async (cluster, name) => {
        await conduktor.createTopic(cluster, name);
        await again();
      }),
    );
  } catch (problem) {
    main.replaceChildren(
      problem instanceof ConsoleError && problem.status === 401
        ? complaint('Console does not accept your sign-in', problem, 'Sign in again', () => session.signIn())
        : complaint('Console does not show the topics', problem, 'Try again', again),
    );
  }
}

/**
 * @param {string} cluster
 * @param {import('./console.js').Topic[]} topics
 */
function table(cluster, topics) {
  if (topics.length === 0) return node('p', `You see no topic on ${cluster}.`);
  const rows = topics.map(({ metadata, spec }) => {
    const row = document.createElement('tr');
    row.append(node('td', metadata.name), node('td', String(spec.partitions)));
    return row;
  });
  const head = document.createElement('tr');
  head.append(node('th', 'Topic'), node('th', 'Partitions'));
  const made = document.createElement('table');
  made.setAttribute('aria-label', cluster);
  made.append(head, ...rows);
  return made;
}

/** @param {(cluster: string, name: string) => Promise<void>} create */
function form(create) {
  const made = document.createElement('form');
  made.innerHTML = `
    <h2>New topic</h2>
    <label>Cluster <input name="cluster" value="production" required></label>
    <label>Name <input name="name" required></label>
    <button>Create</button>`;
  made.addEventListener('submit', event => {
    event.preventDefault();
    const fields = new FormData(made);
    made.querySelector('[role=alert]')?.remove();
    create(String(fields.get('cluster')), String(fields.get('name'))).catch(problem => made.append(complaint('The topic is not created', problem)));
  });
  return made;
}

/**
 * @param {string} title
 * @param {unknown} problem
 * @param {string} [remedy]
 * @param {() => unknown} [act]
 */
function complaint(title, problem, remedy, act) {
  const made = document.createElement('div');
  made.setAttribute('role', 'alert');
  made.append(node('strong', title), node('p', problem instanceof Error ? problem.message : String(problem)));
  if (problem instanceof ConsoleError && problem.reason) made.append(node('p', problem.reason));
  if (remedy && act) made.append(button(remedy, act));
  return made;
}

/**
 * @param {string} label
 * @param {() => unknown} act
 */
function button(label, act) {
  const made = node('button', label);
  made.addEventListener('click', act);
  return made;
}

/**
 * @param {string} name
 * @param {string} text
 */
function node(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

/** @param {string} id */
function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}
