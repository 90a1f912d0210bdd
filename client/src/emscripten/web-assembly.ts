/** Puts system calls of ours in the way of every program that imports them: WebAssembly's own functions, wrapped. */
import type { Native } from './syscalls.ts';

/** What is done about a program, by what it imports. */
export interface Interceptor {
  /** The imports it is to get; null when its calls cannot be told apart, or are not about sockets. */
  imports(imports: WebAssembly.Imports): Intercepted | null;
  /** Settles when there is an answer to whether there is a relay. Never rejects. */
  readonly ready: Promise<void>;
}

interface Intercepted {
  readonly imports: WebAssembly.Imports;
  started(instance: WebAssembly.Instance): void;
}

/** Replaces the functions; once for a page. */
export function wrapWebAssembly(interceptor: Interceptor): void {
  const { instantiate, instantiateStreaming, Instance } = WebAssembly;

  async function start<T extends WebAssembly.Instance | WebAssembly.WebAssemblyInstantiatedSource>(
    imports: WebAssembly.Imports | undefined,
    run: (imports: WebAssembly.Imports | undefined) => Promise<T>,
  ): Promise<T> {
    // A program begins to run when it is instantiated: by then the relay is there, or known not to be.
    if (imports !== undefined) await interceptor.ready;
    const intercepted = imports === undefined ? null : interceptor.imports(imports);
    const result = await run(intercepted?.imports ?? imports);
    intercepted?.started('instance' in result ? result.instance : result);
    return result;
  }

  const wrapped = {
    instantiate: (source: BufferSource & WebAssembly.Module, imports?: WebAssembly.Imports) =>
      start(imports, (ours) => instantiate.call(WebAssembly, source, ours)),
    instantiateStreaming: (source: Response | PromiseLike<Response>, imports?: WebAssembly.Imports) =>
      start(imports, (ours) => instantiateStreaming.call(WebAssembly, source, ours)),
    Instance: new Proxy(Instance, {
      construct(target, [module, imports]: [WebAssembly.Module, WebAssembly.Imports?], newTarget) {
        const intercepted = imports === undefined ? null : interceptor.imports(imports);
        const instance = Reflect.construct(target, [module, intercepted?.imports ?? imports], newTarget);
        intercepted?.started(instance);
        return instance;
      },
    }),
  };
  Object.assign(WebAssembly, wrapped);
}

/** The imports with some functions replaced, by name; null when `needed` finds none of those names. */
export function replaced(
  imports: WebAssembly.Imports,
  wraps: ReadonlyMap<string, (theirs: Native) => Native>,
  needed: (name: string) => boolean,
): WebAssembly.Imports | null {
  const names = Object.values(imports).flatMap((module) => Object.keys(module));
  if (!names.some(needed)) return null;
  const ours: WebAssembly.Imports = {};
  for (const [moduleName, module] of Object.entries(imports)) {
    const copy: WebAssembly.ModuleImports = { ...module };
    for (const [name, value] of Object.entries(module)) {
      const wrap = wraps.get(name);
      if (wrap !== undefined && typeof value === 'function') copy[name] = wrap(value as Native);
    }
    ours[moduleName] = copy;
  }
  return ours;
}
