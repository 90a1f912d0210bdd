/** The frame table as encoder and decoder walk it: a list of fields for each frame, with the ranges that apply. */
import { type Direction, type FieldType, FRAMES, type FrameName } from '../frames.ts';
import { type Range, rangeOf } from './rules.ts';

export interface FieldPlan {
  readonly name: string;
  readonly type: FieldType;
  readonly range: Range | undefined;
}

export interface FramePlan {
  readonly type: FrameName;
  readonly code: number;
  readonly from: Direction;
  readonly fields: readonly FieldPlan[];
}

function planOf(type: FrameName): FramePlan {
  const { code, from, fields } = FRAMES[type];
  const entries: [string, FieldType][] = Object.entries(fields);
  return {
    type,
    code,
    from,
    fields: entries.map(([name, kind]) => ({ name, type: kind, range: rangeOf(type, name) })),
  };
}

/** By name and by number. */
export const PLANS: ReadonlyMap<string, FramePlan> = new Map(
  (Object.keys(FRAMES) as FrameName[]).map((type) => [type, planOf(type)]),
);
export const PLANS_BY_CODE: ReadonlyMap<number, FramePlan> = new Map(
  [...PLANS.values()].map((plan) => [plan.code, plan]),
);
