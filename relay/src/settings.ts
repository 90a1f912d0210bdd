/**
 * Where settings come from: flags over `LUASOCKET_RELAY_*` over the JSON file over defaults. The names of flags and
 * variables follow from the schema, so there is one list of settings.
 */
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { type Config, ConfigError, complete, schema } from './config.ts';

/** One setting, by its path in the schema, and how it is called on each side. */
export interface Setting {
  readonly path: readonly string[];
  /** `--limits-sockets` */
  readonly flag: string;
  /** `LUASOCKET_RELAY_LIMITS_SOCKETS` */
  readonly variable: string;
  readonly type: 'boolean' | 'number' | 'text' | 'list';
  readonly description: string;
  /** What holds when it is not set; undefined when that depends on others. */
  readonly fallback: unknown;
}

const PREFIX = 'LUASOCKET_RELAY_';

function kebab(path: readonly string[]): string {
  return path.map((part) => part.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)).join('-');
}

function walk(shape: z.core.$ZodShape, above: readonly string[]): Setting[] {
  return Object.entries(shape).flatMap(([key, field]): Setting[] => {
    const path = [...above, key];
    const { inner, fallback } = unwrap(field);
    const definition = inner._zod.def;
    if (definition.type === 'object') return walk((inner as z.ZodObject)._zod.def.shape, path);
    const type =
      definition.type === 'boolean' || definition.type === 'number'
        ? definition.type
        : definition.type === 'array'
          ? 'list'
          : 'text';
    const name = kebab(path);
    return [
      {
        path,
        flag: `--${name}`,
        variable: PREFIX + name.toUpperCase().replaceAll('-', '_'),
        type,
        description: (field as z.ZodType).description ?? '',
        fallback,
      },
    ];
  });
}

/** Takes `default` and `optional` off a schema. */
function unwrap(field: z.core.$ZodType): { inner: z.core.$ZodType; fallback: unknown } {
  let inner = field;
  let fallback: unknown;
  for (;;) {
    const definition = inner._zod.def as { type: string; innerType?: z.core.$ZodType; defaultValue?: unknown };
    if (definition.innerType === undefined) return { inner, fallback };
    if (definition.type === 'default') fallback = definition.defaultValue;
    inner = definition.innerType;
  }
}

/** Every setting there is. */
export function settings(): readonly Setting[] {
  return walk(schema._zod.def.shape, []);
}

/** Where raw settings come from. */
export interface Sources {
  /** Values of flags by `Setting.flag`: text, or true for a boolean one. */
  readonly flags: ReadonlyMap<string, string | boolean>;
  readonly environment: { readonly [name: string]: string | undefined };
  /** The JSON file, when one is named. */
  readonly file?: string | undefined;
}

/** @throws ConfigError that names the flag, variable or key of the file that is wrong. */
export function load(sources: Sources): Config {
  const all = settings();
  const tree = sources.file === undefined ? {} : readTree(sources.file);
  const names = new Map<string, string>();
  for (const setting of all) {
    const flag = sources.flags.get(setting.flag);
    const variable = sources.environment[setting.variable];
    const [raw, name] = flag !== undefined ? [flag, setting.flag] : [variable, setting.variable];
    if (raw === undefined) continue;
    names.set(setting.path.join('.'), name);
    put(tree, setting.path, convert(setting, raw, name));
  }
  const known = new Set(all.map((setting) => setting.variable));
  for (const name of Object.keys(sources.environment)) {
    if (name.startsWith(PREFIX) && !known.has(name) && name !== `${PREFIX}CONFIG`) {
      throw new ConfigError(`unknown setting ${name}`);
    }
  }
  return complete(tree, (path) => nameOf(path, names, sources.file));
}

/** The message of an error that names a setting as `createRelay` calls it, for somebody who knows it by its flag. */
export function withFlag({ message }: ConfigError): string {
  const setting = settings().find(({ path }) => message.startsWith(`${path.join('.')}: `));
  return setting === undefined ? message : setting.flag + message.slice(setting.path.join('.').length);
}

function nameOf(path: readonly string[], names: ReadonlyMap<string, string>, file: string | undefined): string {
  for (let length = path.length; length > 0; length--) {
    const name = names.get(path.slice(0, length).join('.'));
    if (name !== undefined) return name;
  }
  return file === undefined ? path.join('.') : `${file}: ${path.join('.')}`;
}

function readTree(file: string): Record<string, unknown> {
  let tree: unknown;
  try {
    // Editors on Windows begin files with U+FEFF.
    tree = JSON.parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new ConfigError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (isTree(tree)) return tree;
  throw new ConfigError(`${file}: expected a JSON object`);
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function put(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const below = tree[key];
  const branch = isTree(below) ? below : {};
  tree[key] = branch;
  put(branch, rest, value);
}

function convert(setting: Setting, raw: string | boolean, name: string): unknown {
  if (typeof raw === 'boolean') return raw;
  switch (setting.type) {
    case 'boolean':
      if (/^(true|1|yes|on)$/i.test(raw)) return true;
      if (/^(false|0|no|off|)$/i.test(raw)) return false;
      throw new ConfigError(`${name}: expected true or false, got ${raw}`);
    case 'number': {
      const value = Number(raw);
      if (raw.trim() === '' || !Number.isFinite(value)) throw new ConfigError(`${name}: expected a number, got ${raw}`);
      return value;
    }
    case 'list':
      return raw
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');
    case 'text':
      return raw;
  }
}
