// Made from podwall/reports/page/document.py: `python -m tests.reports.page.typescript`.

export interface PageChange {
  before: number;
  after: number;
  kind: string;
}

export interface PageCondition {
  words: string;
  of: string;
  key: string;
  set: number;
}

export interface PageDocument {
  engine: PageEngine;
  endpoints: PageEndpoint[];
  labels: Record<string, [string, string][]>;
  ports: PagePorts[];
  verdicts: PageVerdict[];
  after: PageSide;
  before: PageSide | null;
  changes: PageChange[];
  notes: PageNote[];
  format: string;
}

export interface PageEndpoint {
  id: string;
  namespace: string;
  name: string;
  kind: string;
  replicas: number | null;
  labels: [string, string][];
  host: boolean;
  place: string;
  external: boolean;
  unseen: boolean;
}

export interface PageEngine {
  name: string;
  title: string;
  pods_by_block: string;
  nodes_by_block: string;
  notes: PageEngineNote[];
}

export interface PageEngineNote {
  says: string;
  link: string;
}

export interface PageExemption {
  says: string;
  link: string;
  end: string;
  on: number;
  must: number;
  may: number;
}

export interface PageHiding {
  says: string;
  link: string;
  on: number;
  clients: number;
  ports: number;
}

export interface PageIsolation {
  certain: number[];
  perhaps: number[];
}

export interface PageNote {
  count: string;
  text: string;
  endpoints: number[];
}

export interface PagePeer {
  must: number;
  may: number;
  tests: PageCondition[];
}

export interface PagePolicy {
  name: string;
  place: string;
  ingress: PageRule[] | null;
  egress: PageRule[] | null;
  groups: number[];
}

export interface PagePorts {
  text: string;
  all: boolean;
  other: boolean;
  tcp: [number, number][];
  udp: [number, number][];
  sctp: [number, number][];
}

export interface PageRule {
  position: number;
  words: string;
  peers: PagePeer[] | null;
  ports: RulePortsOn[];
}

export interface PageSide {
  rows: number[];
  columns: number[];
  cells: number[][];
  selves: number[];
  isolations: PageIsolation[];
  ingress: number[];
  egress: number[];
  policies: PagePolicy[];
  exempt: Record<string, PageExemption[]>;
  hiding: PageHiding[];
  tiers: Record<string, PageTierPolicy[]>;
  sets: number[][];
}

export interface PageTierPolicy {
  name: string;
  place: string;
  tier: string;
  rank: number;
  first: boolean;
  order: string;
  stage: number;
  must: number;
  may: number;
  rules: PageTierRule[];
}

export interface PageTierRule {
  position: number;
  words: string;
  action: string;
  must: number;
  may: number;
  ports: RulePortsOn[];
}

export interface PageVerdict {
  allowed: number;
  undetermined: [number, string][];
  exact: boolean;
}

export interface RulePortsOn {
  on: number | null;
  must: number;
  may: number;
}
