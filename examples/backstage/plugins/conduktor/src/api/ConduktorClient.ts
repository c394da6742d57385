import type { DiscoveryApi, FetchApi, OAuthApi } from '@backstage/frontend-plugin-api';
import { ConsoleError } from './ConsoleError';
import type {
  Application,
  ApplicationInstance,
  Group,
  ListedConsumerGroup,
  ListedTopic,
  OwnedResource,
  Page,
  Subject,
} from './resources';

/** What a table shows. */
export type Query = {
  /** the first is 0 */
  page: number;
  pageSize: number;
  /** part of the name; "" is all */
  search: string;
  /** a field of the row */
  sort: string;
  descending: boolean;
};

/** The rows of one page of a table, and how many there are on all pages. */
export type Rows<T> = { rows: T[]; total: number };

/** Label by which Console marks what an application instance owns. */
const INSTANCE_LABEL = 'conduktor.io/application-instance';

/** Console's names for the orders of its topic list. */
const TOPIC_ORDER: Record<string, string> = {
  name: 'ByName',
  partitionCount: 'ByNumPartition',
  recordCount: 'ByMessageCount',
  topicSize: 'ByTopicSizeByte',
  retentionInMs: 'ByRetentionTimes',
  produceRate: 'ByProduceRate',
};

/** How many rows are asked for at once where all of them are needed. */
const BATCH = 100;

/**
 * Calls Console through the proxy of the Backstage backend, as the person who
 * is signed in: the identity provider's access token goes along, and Console
 * answers what that person may see. Every method fails with a ConsoleError
 * where Console refuses.
 */
export class ConduktorClient {
  constructor(
    private readonly auth: OAuthApi,
    private readonly discovery: DiscoveryApi,
    private readonly fetchApi: FetchApi,
  ) {}

  /** All applications that the person may see. */
  applications(): Promise<Application[]> {
    return this.call('/self-serve/v1/application');
  }

  application(name: string): Promise<Application> {
    return this.call(`/self-serve/v1/application/${encodeURIComponent(name)}`);
  }

  /** The application on its clusters. */
  instances(application: string): Promise<ApplicationInstance[]> {
    return this.call(`/self-serve/v1/application-instance?application=${encodeURIComponent(application)}`);
  }

  /** A group with its members; asks for the permission userView. */
  group(name: string): Promise<Group> {
    return this.call(`/iam/v2/group/${encodeURIComponent(name)}`);
  }

  /** A page of the topics that an instance owns: Console searches, sorts and cuts. */
  async topics(instance: ApplicationInstance, query: Query): Promise<Rows<ListedTopic>> {
    const page = await this.call<Page<ListedTopic>>(`${clusterPath(instance)}/topics`, {
      page: query.page + 1,
      itemsPerPage: query.pageSize,
      sort: TOPIC_ORDER[query.sort] ?? 'ByName',
      descSort: query.descending,
      filter: [
        { type: 'LabelsFilter', key: INSTANCE_LABEL, values: [instance.metadata.name] },
        ...(query.search ? [{ type: 'TopicNameFilter', contains: query.search }] : []),
      ],
    });
    return { rows: page.data ?? [], total: page.totalElements };
  }

  /**
   * A page of the consumer groups that an instance owns. Console does not label
   * them, so they are picked here by the names that the instance owns.
   */
  async consumerGroups(instance: ApplicationInstance, query: Query): Promise<Rows<ListedConsumerGroup>> {
    const owned = (instance.spec.resources ?? []).filter(resource => resource.type === 'CONSUMER_GROUP');
    const found = await Promise.all(owned.map(resource => this.consumerGroupsNamed(instance, resource)));
    return pick(found.flat(), query, group => group.name);
  }

  private async consumerGroupsNamed(instance: ApplicationInstance, owned: OwnedResource) {
    const groups: ListedConsumerGroup[] = [];
    for (let page = 1, last = 1; page <= last; page++) {
      const answer = await this.call<Page<ListedConsumerGroup>>(`${clusterPath(instance)}/consumergroups`, {
        page,
        itemsPerPage: BATCH,
        sort: 'ByName',
        filter: [{ type: 'OnConsumerGroupName', contains: owned.name }],
      });
      groups.push(...(answer.data ?? []));
      last = answer.totalPages;
    }
    return groups.filter(({ name }) =>
      owned.patternType === 'PREFIXED' ? name.startsWith(owned.name) : name === owned.name,
    );
  }

  /** A page of the subjects that an instance owns; Console has no paged list of them. */
  async subjects(instance: ApplicationInstance, query: Query): Promise<Rows<Subject>> {
    const all = await this.call<Subject[]>(
      `/kafka/v2/cluster/${encodeURIComponent(instance.spec.cluster)}/subject`,
    );
    const owned = all.filter(subject => subject.metadata.labels?.[INSTANCE_LABEL] === instance.metadata.name);
    return pick(owned, query, subject => subject.metadata.name);
  }

  private async call<T>(path: string, body?: unknown): Promise<T> {
    const token = await this.auth.getAccessToken();
    const proxy = await this.discovery.getBaseUrl('proxy');
    // The header is set by hand: without it fetchApi would send Backstage's own
    // token, which Console does not know.
    const response = await this.fetchApi.fetch(`${proxy}/conduktor/api/public${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        Authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (!response.ok) {
      throw await ConsoleError.from(response);
    }
    return response.json();
  }
}

const clusterPath = (instance: ApplicationInstance) =>
  `/v1/clusters/${encodeURIComponent(instance.spec.cluster)}`;

/** Searches, sorts and cuts rows that came as a whole. */
function pick<T>(all: T[], query: Query, nameOf: (row: T) => string): Rows<T> {
  const search = query.search.toLowerCase();
  const found = all.filter(row => nameOf(row).toLowerCase().includes(search));
  const direction = query.descending ? -1 : 1;
  found.sort(
    (a, b) =>
      direction * compare(valueAt(a, query.sort), valueAt(b, query.sort)) || nameOf(a).localeCompare(nameOf(b)),
  );
  const start = query.page * query.pageSize;
  return { rows: found.slice(start, start + query.pageSize), total: found.length };
}

const valueAt = (row: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], row);

/** Numbers by size, the rest by name, absent values first. */
function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') {
    return a - b;
  }
  return String(a ?? '').localeCompare(String(b ?? ''));
}
