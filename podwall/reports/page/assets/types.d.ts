// The values that the page's scripts hand each other; what is embedded stands in document.d.ts.

import type {
  PageChange, PageCondition, PageDocument, PageEndpoint, PageExemption, PagePolicy, PagePorts, PageSide,
} from './document.js';

export * from './document.js';

export type Direction = 'ingress' | 'egress';
export type Protocol = 'tcp' | 'udp' | 'sctp';
export type Time = 'before' | 'after' | 'difference';
export type ViewName = 'matrix' | 'graph' | 'table';

/** Whether something matches or passes: no, maybe or yes. */
export type Match = 0 | 1 | 2;

/** An endpoint with the number of its namespace. */
export interface Endpoint extends PageEndpoint {
  group: number;
}

export interface Namespace {
  index: number;
  name: string;
  external: boolean;
  unseen: boolean;
  members: number[];
}

/** One analysis, its table of verdicts laid out in one array of rows of `width`. */
export interface Side extends Omit<PageSide, 'rows' | 'columns' | 'cells'> {
  width: number;
  cells: Uint32Array;
  rows: Int32Array;
  columns: Int32Array;
  outside: Uint8Array;
}

export interface Model extends Omit<PageDocument, 'endpoints' | 'after' | 'before' | 'changes'> {
  endpoints: Endpoint[];
  namespaces: Namespace[];
  after: Side;
  before: Side | null;
  changes: Map<number, PageChange>;
  indexOf: Map<string, number>;
}

export interface AskedPort {
  protocol: Protocol;
  number: number;
}

/** A port, or whatever has none, such as ICMP. */
export type Port = AskedPort | 'other';

/** A row or a column: an endpoint, a folded namespace, or the name above an unfolded one. */
export type Item = Leaf | NamespaceItem;

interface AnyItem {
  key: string;
  name: string;
  namespace: number;
  external: boolean;
  unseen: boolean;
  members: number[];
}

export interface Leaf extends AnyItem {
  kind: 'leaf';
  index: number;
}

export interface NamespaceItem extends AnyItem { kind: 'group' | 'band' }

/** The keys of a chosen row and a chosen column, empty where none is. */
export interface Ends {
  from: string;
  to: string;
}

export interface State {
  view: ViewName;
  time: Time;
  from: string;
  to: string;
  port: string;
  asked: AskedPort | null;
  statuses: Set<number>;
  chosen: Ends;
}

/** The status of every pair at a time, through one port or all, and how many have each. */
export interface PairStatuses {
  time: Time;
  asked: AskedPort | null;
  at(source: number, destination: number): number;
  cell(source: number, destination: number): number;
  counted(rows: number[], columns: number[]): Float64Array;
  counts(row: Item, column: Item): Float64Array;
  alike(rows: number[], columns: number[]): [number[][], number[][]];
}

export interface App {
  model: Model;
  state: State;
  pairs: PairStatuses;
  folded: Set<string>;
  rows: Item[];
  columns: Item[];
  sources: Uint8Array;
  destinations: Uint8Array;
  sourceIndices: number[];
  destinationIndices: number[];
  side(): Side;
  leaf(index: number): Leaf;
  set(change: Partial<State>): void;
  toggle(code: number): void;
  fold(name: string): void;
  unfold(name: string): void;
  foldAll(): void;
  unfoldAll(): void;
  choose(ends: Partial<Ends>, keep?: boolean): void;
  clear(): void;
  swap(): void;
  chosen(): { row: Item | null; column: Item | null };
  isSelected(row: Item, column: Item): boolean;
  totals(): Float64Array;
  isInside(): boolean; // whether there are connections between workloads, which then are what counts
}

export interface View {
  node: HTMLElement;
  show(): void;
}

/** Where items lie in pixels: `starts` has one number more than there are items. */
export interface Places {
  items: Item[];
  starts: Float64Array;
  extents: number[];
  total: number;
}

export interface CellSize {
  upTo: number;
  name: string;
  least: number;
  most: number;
  height: number;
  text: number;
}

export interface Layout {
  size: CellSize;
  width: number;
  side: number;
  band: number;
  top: number;
  lacking: (item: Item) => number; // the room that the name of a namespace needs beyond its columns
  rows: Places;
  columns: Places;
}

/** A cell of the grid: -1 is the names of rows or columns, row -2 the names of namespaces. */
export interface Cursor {
  row: number;
  column: number;
  wanted: number;
}

export interface MatrixView extends View {
  app: App;
  grid: HTMLElement;
  layout: Layout;
  lines: Map<number, HTMLElement>;
  drawn: [number, number];
  everything: boolean;
  cursor: Cursor;
  draw(): void;
  mark(): void;
  stop(): HTMLElement | null;
}

/** What the keys and the mouse do at a cell. */
export interface CursorActions {
  choose(row: number, column: number): void;
  fold(row: number, column: number): void;
  swap(): void;
  help(): void;
  clear(): void;
}

/** How a cell looks: `part` is how much of a group is open. */
export interface CellLook {
  status: string;
  text?: string | null;
  quiet?: boolean;
  part?: number;
}

export interface Status {
  name: string;
  word: string;
  sign: string;
}

/** Why a peer does not match: by its address, because of what the other end is, or by conditions. */
export interface Miss {
  match: Match;
  failing: PageCondition[];
  kind: 'address' | 'entity' | 'outside' | 'host' | 'conditions';
  distance: number;
}

export interface ExplainedRule {
  position: number;
  words: string;
  match: Match;
  peer: Match;
  port: Match;
  allows: number;
  maybeAllows: number;
  miss: Miss | null;
}

export interface ExplainedPolicy {
  name: string;
  place: string;
  selects: Match;
  group: number;
  match: Match;
  rules: ExplainedRule[];
}

/** Whether something passes for certain, and whether it may. */
export interface PassBounds { must: boolean; may: boolean }

/** What rules of tiers may do with a port. */
export interface PossibleOutcome {
  accepted: boolean;
  denied: boolean;
  passed: boolean;
  left: boolean;
}

/** A rule of a tier: whether it matches the other end on some port, and may decide about one. */
export interface ExplainedTierRule {
  position: number;
  words: string;
  action: string;
  peer: Match;
  must: PagePorts;
  may: PagePorts;
  matches: boolean;
  decides: boolean;
}

export interface ExplainedTierPolicy {
  name: string;
  place: string;
  tier: string;
  rank: number;
  first: boolean;
  order: string;
  stage: number;
  selects: Match;
  rules: ExplainedTierRule[];
}

export interface ExplainedTier {
  tier: string;
  first: boolean;
  policies: ExplainedTierPolicy[];
}

/** An exemption, or a service that hides clients. */
export interface ExplainedExemption extends Pick<PageExemption, 'says' | 'link'> {
  match: Match;
}

/** One end of a pair explained: what its policies and the exemptions say of the other end. */
export interface Step {
  direction: Direction;
  subject: number;
  other: number;
  outside: boolean;
  tiers: ExplainedTier[];
  policies: ExplainedPolicy[];
  exempt: ExplainedExemption[];
  best: Match;
  match: Match;
  nearest: (ExplainedRule & { policy: string }) | null;
}

export interface Isolating {
  policy: PagePolicy;
  selects: Match;
}
export type Child = Node | string | false | null | undefined | readonly Child[];
export type Attribute = string | number | boolean | null | undefined | (() => void);
