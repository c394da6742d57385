// What the plugin reads of Console's resources. Field names are Console's; see
// /docs of your Console for all of them.

/** Application of the self-service, kind Application. */
export type Application = {
  metadata: { name: string; labels?: Record<string, string> };
  spec: { title: string; description?: string; owner: string };
};

/** What an application instance owns on its cluster. */
export type OwnedResource = {
  type: 'TOPIC' | 'CONSUMER_GROUP' | 'SUBJECT' | 'CONNECTOR' | 'TRANSACTIONAL_ID';
  name: string;
  patternType: 'LITERAL' | 'PREFIXED';
};

/** An application on one Kafka cluster, kind ApplicationInstance. */
export type ApplicationInstance = {
  metadata: { name: string; application: string };
  spec: { cluster: string; serviceAccount?: string; resources?: OwnedResource[] };
};

/** The Console group that owns an application, kind Group. */
export type Group = {
  metadata: { name: string };
  spec: {
    displayName: string;
    description?: string;
    members?: string[];
    membersFromExternalGroups?: string[];
  };
};

/** A topic as Console lists it; only the name is there until it is indexed. */
export type ListedTopic = {
  name: string;
  partitionCount?: number;
  replicationFactor?: number;
  recordCount?: number;
  /** bytes */
  topicSize?: number;
  /** milliseconds; -1 keeps for ever */
  retentionInMs?: number;
  cleanupPolicy?: string;
  /** messages a second */
  produceRate?: number;
};

/** A consumer group as Console lists it; only the name until it is indexed. */
export type ListedConsumerGroup = {
  name: string;
  state?: string;
  members?: number;
  /** messages */
  overallLag?: number;
  maxLagTimeInSeconds?: number;
  topics?: string[];
};

/** A schema under its name in the registry, kind Subject. */
export type Subject = {
  metadata: { name: string; labels?: Record<string, string> };
  spec: { format: string; compatibility?: string; version?: number; id?: number };
};

/** One page of Console's paged lists; the first page is 1. */
export type Page<T> = {
  page: number;
  perPage: number;
  totalPages: number;
  totalElements: number;
  data?: T[];
};
