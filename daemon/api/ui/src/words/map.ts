/* Words of the view `map`: [English, Chinese]. */
import type { Pair } from '../words';

export const words = {
	'map.title': ['Map', '依赖图'],
	'map.as': ['Shown as', '显示方式'],
	'map.drawing': ['Drawing', '图'],
	'map.list': ['List', '列表'],
	'map.whole': ['Checks that stand alone too', '同时显示没有依赖关系的检查'],
	'map.left': ['{n} {n|check stands|checks stand} alone and {n|is|are} fine: not drawn.',
		'{n} 项检查没有依赖关系且正常，未画出。'],
	'map.none': ['Nothing to draw: no check says what it needs.', '没有可画的内容：没有检查声明依赖关系。'],
	'map.none-how': ['Give checks `needs: [db, cache]`, so that one incident names the root instead of many naming what it drags down.',
		'为检查加上 `needs: [db, cache]`，故障就会指向根源，而不是为每个受影响的检查各报一次。'],
	'map.about': ['What needs stands on the left, what is needed on the right.', '依赖方在左，被依赖方在右。'],
	'map.root': ['root', '根源'],
	'map.impact': ['dragged down', '受影响'],
	'map.hot': ['the way the trouble went', '故障传播路径'],
	'map.legend': ['Legend', '图例'],
	'map.group': ['{name}: {n} {n|check|checks}', '{name}：{n} 项检查'],
	'map.alike': ['{n} like {name}', '{n} 项，如 {name}'],
	'map.bad': ['{n} with trouble', '{n} 项有问题'],
	'map.fold-all': ['Fold the groups again', '重新折叠各组'],
	'map.needs': ['needs {names}', '依赖 {names}'],
	'map.again': ['its needs are written above', '其依赖见上文'],
	'map.alone': ['Alone', '无依赖关系'],
	'map.more-needs': ['{names} and {n} more', '{names} 等另外 {n} 项'],
} as const satisfies Record<string, Pair>;
