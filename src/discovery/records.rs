//! The records that the device answers for: its name, its address, and its services (RFC 6762, 10.2; RFC 6763, 4).
//!
//! Each record has a number, so that a set of records is a set of bits. Names are made when they are needed.

use core::fmt::Write;
use core::net::Ipv4Addr;

use heapless::{String, Vec};

use crate::limits;
use crate::wire::dns::{self, Data, LABEL, Name, kind};
use crate::wire::dns_sd::{Service, Transport, services};

/// Records besides services: the address, the reverse record, and the record that denies other types.
const OWN: u8 = 3;
/// Records of one service.
const EACH: u8 = 5;
/// The most records that a device can have.
pub(super) const RECORDS: usize = OWN as usize + EACH as usize * limits::MDNS_SERVICES;

/// A set of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set(u32);

impl Set {
    pub const NONE: Self = Self(0);

    pub fn one(number: u8) -> Self {
        Self(1 << number)
    }

    pub fn has(self, number: u8) -> bool {
        self.0 & 1 << number != 0
    }

    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn numbers(self) -> impl Iterator<Item = u8> {
        (0..RECORDS as u8).filter(move |number| self.has(*number))
    }
}

impl FromIterator<u8> for Set {
    fn from_iter<I: IntoIterator<Item = u8>>(numbers: I) -> Self {
        numbers.into_iter().fold(Self::NONE, |set, number| set.with(Self::one(number)))
    }
}

/// The meaning of a record, with the number of its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Address,
    Reverse,
    OnlyAddress,
    /// Says that there are services of a type.
    Type(u8),
    /// An instance of the type.
    Instance(u8),
    Place(u8),
    Text(u8),
    OnlyInstance(u8),
}

impl What {
    pub fn of(number: u8) -> Self {
        let Some(of_services) = number.checked_sub(OWN) else {
            return match number {
                0 => Self::Address,
                1 => Self::Reverse,
                _ => Self::OnlyAddress,
            };
        };
        let service = of_services / EACH;
        match of_services % EACH {
            0 => Self::Type(service),
            1 => Self::Instance(service),
            2 => Self::Place(service),
            3 => Self::Text(service),
            _ => Self::OnlyInstance(service),
        }
    }

    pub fn number(self) -> u8 {
        match self {
            Self::Address => 0,
            Self::Reverse => 1,
            Self::OnlyAddress => 2,
            Self::Type(service) => OWN + EACH * service,
            Self::Instance(service) => OWN + EACH * service + 1,
            Self::Place(service) => OWN + EACH * service + 2,
            Self::Text(service) => OWN + EACH * service + 3,
            Self::OnlyInstance(service) => OWN + EACH * service + 4,
        }
    }

    /// Others may have records of the same name and type.
    pub fn is_shared(self) -> bool {
        matches!(self, Self::Type(_) | Self::Instance(_))
    }

    /// It denies that other records exist.
    pub fn is_denial(self) -> bool {
        matches!(self, Self::OnlyAddress | Self::OnlyInstance(_))
    }
}

/// The label of a device in names.
pub(super) type Label = String<LABEL>;

/// A name of the mDNS domain.
pub(super) fn local(text: &str) -> Option<Name> {
    let mut whole = String::<300>::new();
    write!(whole, "{text}.local").ok()?;
    Name::parse(&whole)
}

/// A service that is announced.
struct Offer {
    /// Its place in the list.
    at: u8,
    transport: Transport,
    port: u16,
}

/// All records of a device.
pub(super) struct Records {
    base: Label,
    /// 1 plus the number of times that another device had the name.
    number: u16,
    pub address: Ipv4Addr,
    list: Vec<u8, { limits::VALUE }>,
    offers: Vec<Offer, { limits::MDNS_SERVICES }>,
}

impl Records {
    /// The records of a name, which must be valid; `place` knows transport and port of services listed without them.
    pub fn new(
        base: &str,
        address: Ipv4Addr,
        list: &[u8],
        place: impl Fn(&[u8]) -> Option<(Transport, u16)>,
    ) -> Option<Self> {
        let base = Label::try_from(base).ok()?;
        local(&base)?;
        let list = Vec::from_slice(list).ok()?;
        let mut records = Self { base, number: 1, address, list, offers: Vec::new() };
        let mut offers: Vec<Offer, { limits::MDNS_SERVICES }> = Vec::new();
        for (at, service) in services(&records.list).flatten().enumerate() {
            let Some((transport, port)) = service.place.or_else(|| place(service.name)) else { continue };
            let is_same = |offer: &Offer| {
                offer.transport == transport
                    && records.service(offer.at).is_some_and(|known| known.name.eq_ignore_ascii_case(service.name))
            };
            if !offers.iter().any(is_same) {
                // `set` refuses more services than fit, so none is lost here.
                let _ = offers.push(Offer { at: at as u8, transport, port });
            }
        }
        records.offers = offers;
        Some(records)
    }

    fn service(&self, at: u8) -> Option<Service<'_>> {
        services(&self.list).flatten().nth(usize::from(at))
    }

    /// The current name without its domain.
    pub fn label(&self) -> Label {
        if self.number < 2 {
            return self.base.clone();
        }
        let mut number = String::<8>::new();
        let _ = write!(number, "-{}", self.number);
        let mut label = Label::new();
        let kept = self.base.get(..self.base.len().min(LABEL - number.len())).unwrap_or(&self.base);
        let _ = write!(label, "{kept}{number}");
        label
    }

    /// Another device has the name: switches to the next one.
    pub fn rename(&mut self) {
        self.number = self.number.saturating_add(1);
    }

    pub fn host(&self) -> Name {
        local(&self.label()).unwrap_or_default()
    }

    /// The type of a service as a name.
    fn kind_of(&self, offer: &Offer) -> Name {
        let named = || {
            let service = self.service(offer.at)?;
            let mut label = Vec::<u8, 16>::from_slice(b"_").ok()?;
            label.extend_from_slice(service.name).ok()?;
            Name::under(&label, &Name::under(offer.transport.label(), &Name::parse("local")?)?)
        };
        named().unwrap_or_default()
    }

    fn instance_of(&self, offer: &Offer) -> Name {
        Name::under(self.label().as_bytes(), &self.kind_of(offer)).unwrap_or_default()
    }

    /// Every record.
    pub fn all(&self) -> Set {
        (0..OWN + EACH * self.offers.len() as u8).collect()
    }

    /// The records for which `wanted` is true.
    pub fn those(&self, wanted: impl Fn(What) -> bool) -> Set {
        self.all().numbers().filter(|number| wanted(What::of(*number))).collect()
    }

    /// Calls `then` with name, type and data of a record.
    pub fn with<R>(&self, number: u8, then: impl FnOnce(&Name, u16, &Data<'_>) -> R) -> Option<R> {
        let what = What::of(number);
        Some(match what {
            What::Address => then(&self.host(), kind::A, &Data::Address(self.address)),
            What::Reverse => then(&Name::of_address(self.address), kind::PTR, &Data::Name(&self.host())),
            What::OnlyAddress => {
                let host = self.host();
                then(&host, kind::NSEC, &Data::Only(&host, &[kind::A]))
            }
            What::Type(at) | What::Instance(at) | What::Place(at) | What::Text(at) | What::OnlyInstance(at) => {
                return self.offers.get(usize::from(at)).map(|offer| self.with_offer(what, offer, then));
            }
        })
    }

    fn with_offer<R>(&self, what: What, offer: &Offer, then: impl FnOnce(&Name, u16, &Data<'_>) -> R) -> R {
        let instance = self.instance_of(offer);
        match what {
            What::Type(_) => then(&all_types(), kind::PTR, &Data::Name(&self.kind_of(offer))),
            What::Instance(_) => then(&self.kind_of(offer), kind::PTR, &Data::Name(&instance)),
            What::Place(_) => then(&instance, kind::SRV, &Data::Service { port: offer.port, host: &self.host() }),
            What::Text(_) => {
                let text = self.service(offer.at).map(|service| service.text()).unwrap_or_default();
                then(&instance, kind::TXT, &Data::Bytes(&text))
            }
            _ => then(&instance, kind::NSEC, &Data::Only(&instance, &[kind::TXT, kind::SRV])),
        }
    }

    /// The records that answer a question. If the name is the device's own but has no record of this type, the record
    /// that says so.
    pub fn answers(&self, name: &Name, kind: u16) -> Set {
        let (mut found, mut denial) = (Set::NONE, Set::NONE);
        for number in self.all().numbers() {
            let what = What::of(number);
            let is_it = self.with(number, |own, of, _| (*own == *name).then_some(of)).flatten();
            match is_it {
                Some(of) if of == kind || (kind == kind::ANY && !what.is_denial()) => {
                    found = found.with(Set::one(number));
                }
                Some(_) if what.is_denial() => denial = Set::one(number),
                _ => {}
            }
        }
        if found.is_empty() { denial } else { found }
    }

    /// The records that a querier will ask for after these answers (RFC 6763, 12).
    pub fn helpful(&self, answers: Set) -> Set {
        let mut more = Set::NONE;
        for number in answers.numbers() {
            let (address, only) = (What::Address.number(), What::OnlyAddress.number());
            match What::of(number) {
                What::Instance(at) => {
                    more = [What::Place(at).number(), What::Text(at).number(), address, only]
                        .into_iter()
                        .chain(more.numbers())
                        .collect();
                }
                What::Place(_) => more = [address, only].into_iter().chain(more.numbers()).collect(),
                What::Address => more = more.with(Set::one(only)),
                _ => {}
            }
        }
        more.without(answers)
    }

    /// The names that no other device may have: those of the host and of the instances, each with its records in the
    /// order of their comparison (RFC 6762, 8.2.1).
    pub fn unique(&self) -> impl Iterator<Item = (Name, Set)> {
        let host = (self.host(), Set::one(What::Address.number()));
        let instances = self.offers.iter().enumerate().map(|(at, offer)| {
            let at = at as u8;
            (self.instance_of(offer), [What::Place(at).number(), What::Text(at).number()].into_iter().collect())
        });
        [host].into_iter().chain(instances)
    }

    /// The services with type and port, for the device's own search.
    pub fn offered(&self) -> impl Iterator<Item = (Name, u16)> {
        self.offers.iter().map(|offer| (self.kind_of(offer), offer.port))
    }
}

/// The name under which all types of services are listed (RFC 6763, 9).
pub(super) fn all_types() -> Name {
    Name::parse("_services._dns-sd._udp.local").unwrap_or_default()
}

/// The class of a record, with the cache-flush flag for records that no other device may have.
pub(super) fn class_of(what: What) -> u16 {
    if what.is_shared() { dns::INTERNET } else { dns::INTERNET | dns::CLASS_FLAG }
}
